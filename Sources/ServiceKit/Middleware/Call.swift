public import ServiceContextModule

/// A call on its way through the middleware of the server that serves it or the client that makes it.
public struct Call: Sendable {
    /// The side of a call that a process is on.
    public enum Side: Sendable {
        /// This process serves the call.
        case server
        /// This process makes the call.
        case client
    }

    /// Is told how a call ended; see ``onEnd(_:)``.
    public typealias End = @Sendable (_ call: Call, _ result: inout CallResult) -> Void
    /// Begins an attempt of a call; see ``onAttempt(_:)``.
    public typealias AttemptBegin = @Sendable (_ attempt: inout CallAttempt) throws -> Void

    /// The side that this process is on.
    public let side: Side
    /// The protocol: `grpc` or `http`.
    public let transport: String
    /// The called operation: `/user.v1.UserService/GetUser`.
    public let operation: String
    /// The other side: the caller's address on a server, the target's name on a client.
    public let peer: String
    /// The time at which the call began.
    public let start: ContinuousClock.Instant
    /// The request's headers. The handler, or the server that is called, gets them as the last middleware leaves them.
    public var metadata: CallMetadata { didSet { isMetadataChanged = true } }
    /// Headers that a server adds to its response. A client does not use them.
    public var responseMetadata: CallMetadata = [:]
    /// The time by which the call must have ended; `nil` is never. The transport ends the call then, at the time that the
    /// last middleware leaves here.
    public var deadline: ContinuousClock.Instant?
    /// The values that calls share within a process. On a server it is current while the handler runs, as the last
    /// middleware leaves it; on a client it is the caller's.
    public var context: ServiceContext

    /// A wait that comes before the handler, or before the first attempt. Transports wait with ``waitForDelay()``.
    package var delay: CallDelay?
    /// Reads the certificate of the caller's connection.
    private let certificate: (@Sendable () -> [UInt8]?)?
    /// Whether headers have been changed.
    package private(set) var isMetadataChanged = false
    package private(set) var attemptBegins: [AttemptBegin] = []
    private var ends: [EndFunction] = []
    /// The functions that learn that the call waits no longer. Most calls have one at most: it costs no array.
    private var arrival: Arrival?
    private var moreArrivals: [Arrival] = []
    /// Whether a function waits for the call's end.
    var hasEnds: Bool { !ends.isEmpty }

    /// A function within a struct: an array of bare functions would wrap each of them in another one.
    private struct EndFunction {
        let end: End
    }

    /// A call that waits for its task.
    private struct Arrival {
        let observer: any ArrivalObserver
        let number: UInt64
    }

    /// Creates a call. Transports do so, and tests of middleware.
    ///
    /// - Parameters:
    ///   - side: The side that this process is on.
    ///   - transport: The protocol: `grpc` or `http`.
    ///   - operation: The called operation: `/user.v1.UserService/GetUser`.
    ///   - peer: The caller's address on a server, the target's name on a client.
    ///   - start: The time at which the call began; by default now.
    ///   - metadata: The request's headers; none by default.
    ///   - deadline: The time by which the call must have ended; none by default.
    ///   - context: The values that calls share; by default the current ones.
    ///   - peerCertificate: Reads the certificate of the caller's connection, in DER; none by default.
    public init(
        side: Side,
        transport: String = "grpc",
        operation: String,
        peer: String = "",
        start: ContinuousClock.Instant = .now,
        metadata: CallMetadata = [:],
        deadline: ContinuousClock.Instant? = nil,
        context: ServiceContext? = .current,
        peerCertificate: (@Sendable () -> [UInt8]?)? = nil
    ) {
        self.side = side
        self.transport = transport
        self.operation = operation
        self.peer = peer
        self.start = start
        self.metadata = metadata
        self.deadline = deadline
        self.context = context ?? .topLevel
        certificate = peerCertificate
    }

    /// The certificate that the caller's connection has proved (mutual TLS), in DER; `nil` if there is none.
    public func peerCertificate() -> [UInt8]? { certificate?() }

    // MARK: - The begin

    /// Leaves an observer that learns when the call's task runs, or that the call has ended before.
    mutating func onBegin(_ observer: any ArrivalObserver, _ number: UInt64) {
        let arrival = Arrival(observer: observer, number: number)
        if self.arrival == nil { self.arrival = arrival } else { moreArrivals.append(arrival) }
    }

    /// The call's task runs. Transports say so, at once: the time until then is the queueing delay. Further words do nothing.
    package mutating func begun() { leaveQueue(hasBegun: true) }

    private mutating func leaveQueue(hasBegun: Bool) {
        guard let arrival else { return }
        self.arrival = nil
        arrival.observer.left(arrival.number, hasBegun: hasBegun)
        if moreArrivals.isEmpty { return }
        for arrival in moreArrivals { arrival.observer.left(arrival.number, hasBegun: hasBegun) }
        moreArrivals = []
    }

    // MARK: - The end

    /// Leaves a function that gets the call's end, exactly once, also when the caller leaves.
    ///
    /// - Parameter end: Gets the call as the last middleware left it, and its result, which it may change. It is called on
    ///   the task that ends the call, and must not block.
    public mutating func onEnd(_ end: @escaping End) {
        // Room for an App's own middleware and some more at once.
        if ends.isEmpty { ends.reserveCapacity(6) }
        ends.append(EndFunction(end: end))
    }

    /// Tells the functions that were left with ``onEnd(_:)``, the last one first, and forgets them.
    ///
    /// Transports call it, and tests of middleware; ``MiddlewareChain/run(_:_:)`` does both halves.
    /// - Parameter result: How the call ended; afterwards, the result that the other side gets.
    public mutating func end(with result: inout CallResult) {
        leaveQueue(hasBegun: false)
        if ends.isEmpty { return }
        let ends = ends
        self.ends = []
        for function in ends.reversed() { function.end(self, &result) }
    }

    // MARK: - The attempts

    /// Leaves a function that begins each attempt of a call that is made. A server does not use it.
    ///
    /// - Parameter begin: Gets the attempt when its node is known; may change its headers, and fail the call by throwing.
    ///   It must not block.
    public mutating func onAttempt(_ begin: @escaping AttemptBegin) {
        attemptBegins.append(begin)
    }

    /// Begins an attempt: calls the functions that were left with ``onAttempt(_:)``, the first one first.
    ///
    /// Clients call it, and tests of middleware.
    /// - Throws: The error of one of the functions.
    public func begin(_ attempt: inout CallAttempt) throws {
        for begin in attemptBegins { try begin(&attempt) }
    }
}

/// Learns when calls that have arrived begin to run.
protocol ArrivalObserver: AnyObject, Sendable {
    /// A call waits no longer.
    ///
    /// - Parameters:
    ///   - number: The number that the observer has given it.
    ///   - hasBegun: Whether its task runs; if not, it has ended before.
    func left(_ number: UInt64, hasBegun: Bool)
}
