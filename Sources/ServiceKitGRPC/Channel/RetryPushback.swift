internal import GRPCCore
internal import ServiceKit

/// The server's word on another attempt of a call that it has failed: the trailer `grpc-retry-pushback-ms` (gRFC A6).
enum RetryPushback: Equatable {
    /// The server leaves it to the client.
    case none
    /// Not before this time has passed.
    case after(Duration)
    /// There is to be no other attempt.
    case never

    static let key = "grpc-retry-pushback-ms"
    /// A longer pause means ``never``, so that a caller without a deadline waits for a bounded time.
    static let longest = Duration.seconds(60)

    /// Reads trailers. As gRFC A6 has it, a value that is no number of milliseconds means ``never``.
    init(_ trailers: Metadata) {
        var values = trailers[stringValues: Self.key].makeIterator()
        guard let value = values.next() else {
            self = .none
            return
        }
        guard values.next() == nil, let milliseconds = Int32(value), milliseconds >= 0 else {
            self = .never
            return
        }
        let pause = Duration.milliseconds(milliseconds)
        self = pause > Self.longest ? .never : .after(pause)
    }
}

extension RPCError {
    /// Whether the server has refused the call because its caller makes too many.
    var isOverRate: Bool {
        code == .resourceExhausted && !isRefusal && ServiceError(self)?.reason == CallRefusal.rateLimited
    }

    /// Whether a limit or a circuit breaker of the server has refused the call before any handler saw it.
    var isRefusal: Bool {
        (code == .resourceExhausted || code == .unavailable) && metadata[stringValues: CallRefusal.trailer].contains { _ in true }
    }
}
