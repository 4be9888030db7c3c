internal import GRPCCore

/// The responses of a call with one request and a stream of responses.
///
/// ```swift
/// for try await user in users.listUsers(request) { print(user.name) }
/// ```
/// The call begins with the first response that is read, and ends when the loop does. Each loop over the stream makes a call
/// of its own. A failed call throws an `RPCError`.
public struct ResponseStream<Element: Sendable>: AsyncSequence, Sendable {
    /// Loops may fail.
    public typealias Failure = any Error

    private let makeCall: @Sendable () -> DirectClientCall
    private let begin: @Sendable (_ call: DirectClientCall) async throws -> Void
    private let read: @Sendable (_ message: [UInt8]) throws -> Element

    /// - Parameters:
    ///   - makeCall: Makes the call of a loop.
    ///   - begin: Begins it.
    ///   - read: Reads a response.
    @usableFromInline
    init(
        makeCall: @escaping @Sendable () -> DirectClientCall,
        begin: @escaping @Sendable (_ call: DirectClientCall) async throws -> Void,
        read: @escaping @Sendable (_ message: [UInt8]) throws -> Element
    ) {
        self.makeCall = makeCall
        self.begin = begin
        self.read = read
    }

    /// Makes the call, once the first response is read.
    public func makeAsyncIterator() -> Iterator {
        Iterator(stream: self)
    }

    /// Reads the responses of one call.
    public struct Iterator: AsyncIteratorProtocol {
        /// Ends the call when the iterator goes.
        private final class Lease: Sendable {
            let call: DirectClientCall

            init(_ call: DirectClientCall) { self.call = call }

            deinit { call.leave() }
        }

        /// A call that has failed is not read again: each loop ends with its error.
        private enum State {
            case notBegun
            case reading(Lease)
            case ended
        }

        private let stream: ResponseStream
        private var state = State.notBegun

        fileprivate init(stream: ResponseStream) {
            self.stream = stream
        }

        /// The next response; `nil` behind the last.
        ///
        /// - Throws: `RPCError` when the call failed.
        public mutating func next() async throws -> Element? {
            try await next(isolation: #isolation)
        }

        /// The next response; `nil` behind the last.
        ///
        /// - Throws: `RPCError` when the call failed.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Element? {
            do {
                let lease: Lease
                switch state {
                case .reading(let present):
                    lease = present
                case .notBegun:
                    lease = Lease(stream.makeCall())
                    state = .reading(lease)
                    try await stream.begin(lease.call)
                case .ended:
                    return nil
                }
                while let part = try await lease.call.next() {
                    guard case .message(let bytes) = part else { continue }
                    return try stream.read(bytes)
                }
            } catch {
                state = .ended
                throw error
            }
            state = .ended
            return nil
        }
    }
}
