private import GRPCCore

/// The body of a request as it comes, in pieces of any size. It can be read once.
///
/// A body that nobody reads is not held in memory: the client waits, up to `server.http.body-timeout` over HTTP/1.1.
public struct RequestBody: AsyncSequence, Sendable {
    private let readNext: @Sendable () async throws -> [UInt8]?

    init(_ readNext: @escaping @Sendable () async throws -> [UInt8]?) {
        self.readNext = readNext
    }

    /// Reads the pieces in order.
    public func makeAsyncIterator() -> Iterator { Iterator(readNext: readNext) }

    /// Reads the pieces in order.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let readNext: @Sendable () async throws -> [UInt8]?

        /// The next piece; `nil` behind the last.
        ///
        /// - Throws: An error if the client leaves, or the request's time is over.
        public mutating func next() async throws -> [UInt8]? { try await readNext() }
    }

    /// Reads the whole body.
    ///
    /// - Parameter limit: The most bytes that are read.
    /// - Throws: An error that is answered with 413 if the body is larger; an error if the client leaves.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var body: [UInt8] = []
        for try await piece in self {
            guard body.count + piece.count <= limit else { throw RPCError.tooLarge(limit: limit) }
            if body.isEmpty { body = piece } else { body += piece }
        }
        return body
    }
}
