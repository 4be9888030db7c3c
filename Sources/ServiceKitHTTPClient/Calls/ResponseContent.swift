internal import AsyncHTTPClient
internal import NIOCore
internal import ServiceKit
internal import ServiceKitConcurrency

/// The body of a response as it comes, in pieces of any size. It can be read once.
///
/// A body that nobody reads is not held in memory: its server waits, and the call's time limit ends it.
public struct ResponseContent: AsyncSequence, Sendable {
    let body: HTTPClientResponse.Body
    let call: OpenCall

    /// Reads the pieces in order.
    public func makeAsyncIterator() -> Iterator {
        Iterator(reader: Reader(body.makeAsyncIterator()), call: call)
    }

    /// Reads the whole body.
    ///
    /// - Parameter limit: The most bytes that are read.
    /// - Throws: `ServiceError`: the call's own failure, or `internalError` with the reason `RESPONSE_TOO_LARGE`.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await piece in self {
            guard bytes.count + piece.count <= limit else {
                throw ServiceError(
                    .internalError, reason: "RESPONSE_TOO_LARGE",
                    message: "the body of the response is longer than \(limit) bytes")
            }
            if bytes.isEmpty { bytes = piece } else { bytes += piece }
        }
        return bytes
    }

    /// Reads the pieces in order.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let reader: Reader
        fileprivate let call: OpenCall

        /// The next piece; `nil` behind the last.
        ///
        /// - Throws: `ServiceError` if the connection is lost, or the call's time is over.
        public mutating func next() async throws -> [UInt8]? {
            do {
                let piece = try await call.withinDeadline { [reader] in try await reader.next() }
                if piece == nil { call.end() }
                return piece
            } catch {
                throw call.fail(HTTPFailure(error))
            }
        }
    }

    // @unchecked: the iterator that holds the reader has one `next` at a time, as it is mutating; a task that was left
    // behind at the deadline is awaited before `next` returns.
    fileprivate final class Reader: @unchecked Sendable {
        private var iterator: HTTPClientResponse.Body.AsyncIterator

        init(_ iterator: HTTPClientResponse.Body.AsyncIterator) {
            self.iterator = iterator
        }

        nonisolated(nonsending) func next() async throws -> [UInt8]? {
            try await iterator.next().map { Array($0.readableBytesView) }
        }
    }
}
