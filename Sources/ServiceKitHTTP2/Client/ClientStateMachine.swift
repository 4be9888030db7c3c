/// The states of an `HTTP2Client`. Its functions are the transitions; they return the actions, which the client does
/// outside of the lock.
///
/// | phase | event | phase | effect |
/// |---|---|---|---|
/// | idle | `run` | preparing | connect |
/// | preparing | the attempt began | connecting | |
/// | connecting | ready | ready | the failures are forgotten |
/// | connecting | closed, timed out | waiting, or preparing if the wait is over | schedule an attempt, or connect |
/// | ready | draining, closed | ready, on another connection | if there is another one |
/// | ready | draining, closed | preparing, or waiting if the last attempt began just now | connect, or schedule an attempt |
/// | waiting | the attempt is due, `resetBackoff` | preparing | connect |
/// | waiting | another connection becomes ready | ready | it takes the requests |
/// | any but shutdown | `shutDown` | shutdown | the attempt is closed; open connections drain, or close |
/// | shutdown | the last connection is gone | shutdown | `run` returns |
///
/// Each change of `state` is reported once, in order.
struct ClientStateMachine {
    enum Action {
        /// Begin an attempt to connect, and say so with `attemptBegan`.
        case connect
        /// Begin an attempt to make another connection, and say so with `extraAttemptBegan`.
        case connectExtra
        /// Let a new connection make the requests that wait on others, and say so with `requestsWereHandedOver`.
        case handOver(from: [HTTP2Connection], to: HTTP2Connection)
        /// Call `attemptIsDue` after a while.
        case scheduleAttempt(number: Int, after: Duration)
        /// Call `extraAttemptIsDue` after a while.
        case scheduleExtraAttempt(after: Duration)
        case drain(HTTP2Connection)
        case close(HTTP2Connection)
        /// Call `nextReport` until it yields nothing.
        case report
        case finish(CheckedContinuation<Void, Never>)
    }

    private enum Phase {
        /// `run` was not called.
        case idle
        /// An attempt is about to begin.
        case preparing
        case connecting(HTTP2Connection)
        case ready(ReadyConnection)
        /// The next attempt waits for its time.
        case waiting(ConnectError)
        case shutdown
    }

    private let address: TransportAddress
    private let backoff: ConnectionBackoff
    private let maxConnections: Int
    private var generator = SystemRandomNumberGenerator()
    private var phase = Phase.idle
    /// Connections that are not gone yet: those that take requests, and those that finish theirs.
    private var open: [ObjectIdentifier: HTTP2Connection] = [:]
    private var runner: CheckedContinuation<Void, Never>?
    /// The number of the current attempt; timers of earlier ones are void.
    private var attempt = 0
    private var attemptBeganAt = ContinuousClock.now
    private var failures = 0
    private var extra = ExtraConnections()
    /// How long nothing may come from the server before it is pinged.
    private(set) var keepaliveTime: Duration?
    private var reports: [HTTP2Client.State] = []
    private var isReporting = false

    init(address: TransportAddress, options: HTTP2Client.Options) {
        self.address = address
        backoff = options.backoff
        maxConnections = options.maxConnections
        keepaliveTime = options.keepaliveTime
    }

    var state: HTTP2Client.State {
        switch phase {
        case .idle: .idle
        case .preparing, .connecting: .connecting
        case .ready: .ready
        case .waiting(let error): .transientFailure(error)
        case .shutdown: .shutdown
        }
    }

    var first: ReadyConnection? {
        if case .ready(let connection) = phase { connection } else { nil }
    }

    // MARK: - Calls

    /// The connection for one more call, and whether another one has to be made, as all have as many calls as the
    /// server allows.
    mutating func connectionForRequest() -> (connection: ReadyConnection?, isExtraWanted: Bool) {
        // A connection that has ended is about to be replaced: this state machine learns of it a little later.
        guard let first, first.http2.takesCalls else { return (nil, false) }
        guard first.http2.room <= 0 else { return (first, false) }
        let others = extra.connections.filter(\.http2.takesCalls)
        if let free = others.first(where: { $0.http2.room > 0 }) {
            return (free, false)
        }
        let roomiest = others.reduce(first) { $0.http2.room >= $1.http2.room ? $0 : $1 }
        return (roomiest, extra.isWanted(maxCount: maxConnections - 1))
    }

    mutating func requestsWereHandedOver() -> [Action] { connectExtraIfNeeded() }

    mutating func extraAttemptIsDue() -> [Action] { connectExtraIfNeeded() }

    /// Has one more connection made if calls still wait, on whichever connection.
    private mutating func connectExtraIfNeeded() -> [Action] {
        guard let first else { return [] }
        let rooms = ([first] + extra.connections).map(\.http2.room)
        guard rooms.allSatisfy({ $0 <= 0 }), rooms.contains(where: { $0 < 0 }) else { return [] }
        return extra.isWanted(maxCount: maxConnections - 1) ? [.connectExtra] : []
    }

    // MARK: - Running

    mutating func run(_ runner: CheckedContinuation<Void, Never>) -> [Action] {
        switch phase {
        case .idle:
            self.runner = runner
            return beginAttempt()
        case .shutdown where self.runner == nil:
            self.runner = runner
            return finishIfDone()
        case .shutdown, .preparing, .connecting, .ready, .waiting:
            // It runs already; a second caller has nothing to wait for.
            return [.finish(runner)]
        }
    }

    mutating func shutDown(closingCalls: Bool) -> [Action] {
        var actions: [Action] = []
        switch phase {
        case .shutdown:
            break
        case .connecting(let http2):
            // Nobody waits for an attempt that is given up: it may take its time to fail.
            open[ObjectIdentifier(http2)] = nil
            actions.append(.close(http2))
            actions += enter(.shutdown)
        case .idle, .preparing, .ready, .waiting:
            actions += enter(.shutdown)
        }
        if let attempt = extra.endAttempt() {
            open[ObjectIdentifier(attempt)] = nil
            actions.append(.close(attempt))
        }
        for http2 in open.values {
            actions.append(closingCalls ? .close(http2) : .drain(http2))
        }
        return actions + finishIfDone()
    }

    private mutating func finishIfDone() -> [Action] {
        guard case .shutdown = phase, open.isEmpty, let runner else { return [] }
        self.runner = nil
        return [.finish(runner)]
    }

    // MARK: - Attempts

    private mutating func beginAttempt() -> [Action] {
        attempt += 1
        attemptBeganAt = .now
        return enter(.preparing) + [.connect]
    }

    mutating func attemptBegan(_ http2: HTTP2Connection) -> [Action] {
        guard case .preparing = phase else { return [.close(http2)] }
        open[ObjectIdentifier(http2)] = http2
        phase = .connecting(http2)
        return []
    }

    mutating func extraAttemptBegan(_ http2: HTTP2Connection) -> [Action] {
        guard case .ready = phase else {
            extra.attemptFailed(wait: .zero)
            return [.close(http2)]
        }
        open[ObjectIdentifier(http2)] = http2
        extra.attemptBegan(http2)
        return []
    }

    mutating func attemptIsDue(_ number: Int) -> [Action] {
        guard case .waiting = phase, number == attempt else { return [] }
        return beginAttempt()
    }

    mutating func attemptTimedOut(_ id: Int, after timeout: Duration) -> [Action] {
        if let http2 = extra.connecting, http2.id == id {
            open[ObjectIdentifier(http2)] = nil
            return [.close(http2)] + extraAttemptFailed()
        }
        guard case .connecting(let http2) = phase, http2.id == id else { return [] }
        open[ObjectIdentifier(http2)] = nil
        return [.close(http2)] + retry("there was no answer within \(timeout)", isFailure: true)
    }

    mutating func resetBackoff() -> [Action] {
        failures = 0
        guard case .waiting = phase else { return [] }
        return beginAttempt()
    }

    /// Calls that wait get another attempt after the wait, also when no further call comes.
    private mutating func extraAttemptFailed() -> [Action] {
        let wait = backoff.wait(afterFailures: extra.failures + 1, using: &generator)
        extra.attemptFailed(wait: wait)
        return [.scheduleExtraAttempt(after: wait)]
    }

    /// Connects again, when the time for it has come: the wait counts from when the last attempt began. If that attempt
    /// failed, calls learn of it even if the next begins at once.
    private mutating func retry(_ reason: String, isFailure: Bool) -> [Action] {
        failures += 1
        let wait = backoff.wait(afterFailures: failures, using: &generator)
        let rest = wait - attemptBeganAt.duration(to: .now)
        var actions: [Action] = []
        if isFailure || rest > .zero {
            actions = enter(.waiting(ConnectError(address: address, reason: reason)))
        }
        guard rest > .zero else { return actions + beginAttempt() }
        return actions + [.scheduleAttempt(number: attempt, after: rest)]
    }

    // MARK: - Events

    mutating func handle(_ event: ClientEvent, of http2: HTTP2Connection) -> [Action] {
        switch event {
        case .ready(let connection) where extra.isAttempt(http2):
            extra.attemptSucceeded(connection)
            guard let first else {
                // The others are gone meanwhile; an attempt to replace them is under way, or waits for its time.
                return promoteExtra()
            }
            let others = [first] + extra.connections.filter { $0.http2 !== http2 }
            return [.handOver(from: others.map(\.http2), to: http2)]
        case .ready(let connection):
            guard case .connecting(let current) = phase, current === http2 else { return [] }
            failures = 0
            return enter(.ready(connection))
        case .full:
            // A call may have chosen this connection when there was no other, and come to it when there was.
            let connections = (self.first.map { [$0] } ?? []) + extra.connections
            let free = connections.first { $0.http2 !== http2 && $0.http2.takesCalls && $0.http2.room > 0 }
            return free.map { [.handOver(from: [http2], to: $0.http2)] } ?? []
        case .tooManyPings:
            keepaliveTime = keepaliveTime.map { $0 * 2 }
            return []
        case .draining:
            extra.remove(http2)
            guard self.isCurrent(http2) else { return [] }
            // Another connection takes the calls from now on.
            guard extra.connections.isEmpty else { return promoteExtra() }
            return retry("the server is going away", isFailure: false)
        case .closed(let reason):
            let isCurrent = self.isCurrent(http2)
            let wasReady = self.first != nil
            open[ObjectIdentifier(http2)] = nil
            extra.remove(http2)
            if extra.isAttempt(http2) { return extraAttemptFailed() + finishIfDone() }
            guard isCurrent else { return finishIfDone() }
            guard extra.connections.isEmpty else { return promoteExtra() }
            return retry(reason, isFailure: !wasReady) + finishIfDone()
        }
    }

    /// Makes a connection beyond the first the first one.
    private mutating func promoteExtra() -> [Action] {
        guard let connection = extra.connections.first else { return [] }
        switch phase {
        case .ready, .waiting:
            extra.remove(connection.http2)
            failures = 0
            return enter(.ready(connection))
        case .idle, .preparing, .connecting, .shutdown:
            return []
        }
    }

    private func isCurrent(_ http2: HTTP2Connection) -> Bool {
        switch phase {
        case .connecting(let current): current === http2
        case .ready(let connection): connection.http2 === http2
        case .idle, .preparing, .waiting, .shutdown: false
        }
    }

    // MARK: - Reports

    private mutating func enter(_ phase: Phase) -> [Action] {
        self.phase = phase
        reports.append(state)
        return [.report]
    }

    /// Returns the next state to be reported, to one thread at a time, so that the order is kept.
    ///
    /// The thread that is given a state calls again when it has reported it.
    mutating func nextReport(isContinuing: Bool) -> HTTP2Client.State? {
        if isReporting, !isContinuing { return nil }
        isReporting = !reports.isEmpty
        return isReporting ? reports.removeFirst() : nil
    }
}
