import GRPCCore

/// The states of a `ClientConnection`. Its functions return what is to be done, outside of the lock that it is kept
/// under.
struct ClientConnectionMachine {
    enum Action {
        /// Begin an attempt to connect, and say so with `attemptBegan`.
        case connect
        /// Begin an attempt to make another connection, and say so with `extraAttemptBegan`.
        case connectExtra
        /// Let a new connection make the requests that wait on others, and say so with `requestsWereHandedOver`.
        case handOver(from: [HTTP2Connection], to: HTTP2Connection)
        /// Call `attemptIsDue` after a while.
        case scheduleAttempt(number: Int, after: Duration)
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
        case ready(ClientLink)
        /// The next attempt waits for its time.
        case waiting(RPCError)
        case shutdown
    }

    private let address: TransportAddress
    private let backoff: ConnectionBackoff
    private let maxConnections: Int
    private var generator = SystemRandomNumberGenerator()
    private var phase = Phase.idle
    /// Connections that are not gone yet: the one that takes calls, and those that finish theirs.
    private var open: [ObjectIdentifier: HTTP2Connection] = [:]
    private var runner: CheckedContinuation<Void, Never>?
    /// The number of the current attempt; timers of earlier ones are void.
    private var attempt = 0
    private var attemptBeganAt = ContinuousClock.now
    private var failures = 0
    private var extra = ExtraLinks()
    /// How long nothing may come from the server before it is pinged.
    private(set) var keepaliveTime: Duration?
    private var reports: [ClientConnection.State] = []
    private var isReporting = false

    init(address: TransportAddress, config: ClientTransportConfig) {
        self.address = address
        self.backoff = config.backoff
        self.maxConnections = config.maxConnections
        self.keepaliveTime = config.keepalive.time
    }

    var state: ClientConnection.State {
        switch self.phase {
        case .idle: .idle
        case .preparing, .connecting: .connecting
        case .ready: .ready
        case .waiting(let error): .transientFailure(error)
        case .shutdown: .shutdown
        }
    }

    var readyLink: ClientLink? {
        if case .ready(let link) = self.phase { link } else { nil }
    }

    // MARK: Calls

    /// The connection for one more call, and whether another one has to be made, as all have as many calls as the
    /// server allows.
    mutating func linkForCall() -> (link: ClientLink?, isExtraWanted: Bool) {
        // One that has ended is about to be replaced: it is told here a little later.
        guard let first = self.readyLink, first.http2.takesCalls else { return (nil, false) }
        guard first.http2.room <= 0 else { return (first, false) }
        let others = self.extra.links.filter(\.http2.takesCalls)
        if let free = others.first(where: { $0.http2.room > 0 }) {
            return (free, false)
        }
        let roomiest = others.reduce(first) { $0.http2.room >= $1.http2.room ? $0 : $1 }
        return (roomiest, self.extra.isWanted(maxCount: self.maxConnections - 1))
    }

    /// Has one more connection made if calls still wait, on whichever connection.
    mutating func requestsWereHandedOver() -> [Action] {
        guard let first = self.readyLink else { return [] }
        let rooms = ([first] + self.extra.links).map(\.http2.room)
        guard rooms.allSatisfy({ $0 <= 0 }), rooms.contains(where: { $0 < 0 }) else { return [] }
        return self.extra.isWanted(maxCount: self.maxConnections - 1) ? [.connectExtra] : []
    }

    // MARK: Running

    mutating func run(_ runner: CheckedContinuation<Void, Never>) -> [Action] {
        switch self.phase {
        case .idle:
            self.runner = runner
            return self.beginAttempt()
        case .shutdown where self.runner == nil:
            self.runner = runner
            return self.finishIfDone()
        case .shutdown, .preparing, .connecting, .ready, .waiting:
            // It runs already; whoever calls it twice has nothing to wait for.
            return [.finish(runner)]
        }
    }

    mutating func shutDown(closingCalls: Bool) -> [Action] {
        var actions: [Action] = []
        switch self.phase {
        case .shutdown:
            break
        case .connecting(let http2):
            // Nobody waits for an attempt that is given up: it may take its time to fail.
            self.open[ObjectIdentifier(http2)] = nil
            actions.append(.close(http2))
            actions += self.enter(.shutdown)
        case .idle, .preparing, .ready, .waiting:
            actions += self.enter(.shutdown)
        }
        if let attempt = self.extra.endAttempt() {
            self.open[ObjectIdentifier(attempt)] = nil
            actions.append(.close(attempt))
        }
        for http2 in self.open.values {
            actions.append(closingCalls ? .close(http2) : .drain(http2))
        }
        return actions + self.finishIfDone()
    }

    private mutating func finishIfDone() -> [Action] {
        guard case .shutdown = self.phase, self.open.isEmpty, let runner = self.runner else { return [] }
        self.runner = nil
        return [.finish(runner)]
    }

    // MARK: Attempts

    private mutating func beginAttempt() -> [Action] {
        self.attempt += 1
        self.attemptBeganAt = .now
        return self.enter(.preparing) + [.connect]
    }

    mutating func attemptBegan(_ http2: HTTP2Connection) -> [Action] {
        guard case .preparing = self.phase else { return [.close(http2)] }
        self.open[ObjectIdentifier(http2)] = http2
        self.phase = .connecting(http2)
        return []
    }

    mutating func extraAttemptBegan(_ http2: HTTP2Connection) -> [Action] {
        guard case .ready = self.phase else {
            self.extra.attemptFailed(wait: .zero)
            return [.close(http2)]
        }
        self.open[ObjectIdentifier(http2)] = http2
        self.extra.attemptBegan(http2)
        return []
    }

    mutating func attemptIsDue(_ number: Int) -> [Action] {
        guard case .waiting = self.phase, number == self.attempt else { return [] }
        return self.beginAttempt()
    }

    mutating func attemptTimedOut(_ id: Int, after timeout: Duration) -> [Action] {
        if let http2 = self.extra.connecting, http2.id == id {
            self.open[ObjectIdentifier(http2)] = nil
            self.extraAttemptFailed()
            return [.close(http2)]
        }
        guard case .connecting(let http2) = self.phase, http2.id == id else { return [] }
        self.open[ObjectIdentifier(http2)] = nil
        return [.close(http2)] + self.retry("there was no answer within \(timeout)", isFailure: true)
    }

    mutating func resetBackoff() -> [Action] {
        self.failures = 0
        guard case .waiting = self.phase else { return [] }
        return self.beginAttempt()
    }

    private mutating func extraAttemptFailed() {
        self.extra.attemptFailed(
            wait: self.backoff.wait(afterFailures: self.extra.failures + 1, using: &self.generator)
        )
    }

    /// Connects again, when the time for it has come: the wait counts from when the last attempt began. If that attempt
    /// failed, calls learn of it even if the next begins at once.
    private mutating func retry(_ reason: String, isFailure: Bool) -> [Action] {
        self.failures += 1
        let wait = self.backoff.wait(afterFailures: self.failures, using: &self.generator)
        let rest = wait - self.attemptBeganAt.duration(to: .now)
        var actions: [Action] = []
        if isFailure || rest > .zero {
            let error = RPCError(
                code: .unavailable,
                message: "cannot connect to \(self.address): \(reason)",
                cause: CallNotProcessed()
            )
            actions = self.enter(.waiting(error))
        }
        guard rest > .zero else { return actions + self.beginAttempt() }
        return actions + [.scheduleAttempt(number: self.attempt, after: rest)]
    }

    // MARK: Events

    mutating func handle(_ event: ClientLink.Event, of http2: HTTP2Connection) -> [Action] {
        switch event {
        case .ready(let link) where self.extra.isAttempt(http2):
            self.extra.attemptSucceeded(link)
            guard let first = self.readyLink else {
                // The others are gone meanwhile; an attempt to replace them is under way, or waits for its time.
                return self.promoteExtra()
            }
            let others = [first] + self.extra.links.filter { $0.http2 !== http2 }
            return [.handOver(from: others.map(\.http2), to: http2)]
        case .ready(let link):
            guard case .connecting(let current) = self.phase, current === http2 else { return [] }
            self.failures = 0
            return self.enter(.ready(link))
        case .full:
            // A call may have chosen this connection when there was no other, and come to it when there was.
            let links = (self.readyLink.map { [$0] } ?? []) + self.extra.links
            let free = links.first { $0.http2 !== http2 && $0.http2.takesCalls && $0.http2.room > 0 }
            return free.map { [.handOver(from: [http2], to: $0.http2)] } ?? []
        case .tooManyPings:
            self.keepaliveTime = self.keepaliveTime.map { $0 * 2 }
            return []
        case .draining:
            self.extra.remove(http2)
            guard self.isCurrent(http2) else { return [] }
            // Another connection takes the calls from now on.
            guard self.extra.links.isEmpty else { return self.promoteExtra() }
            return self.retry("the server is going away", isFailure: false)
        case .closed(let reason):
            let isCurrent = self.isCurrent(http2)
            let wasReady = self.readyLink != nil
            self.open[ObjectIdentifier(http2)] = nil
            self.extra.remove(http2)
            if self.extra.isAttempt(http2) {
                self.extraAttemptFailed()
            }
            guard isCurrent else { return self.finishIfDone() }
            guard self.extra.links.isEmpty else { return self.promoteExtra() }
            return self.retry(reason, isFailure: !wasReady) + self.finishIfDone()
        }
    }

    /// Makes a connection beyond the first the first one.
    private mutating func promoteExtra() -> [Action] {
        guard let link = self.extra.links.first else { return [] }
        switch self.phase {
        case .ready, .waiting:
            self.extra.remove(link.http2)
            self.failures = 0
            return self.enter(.ready(link))
        case .idle, .preparing, .connecting, .shutdown:
            return []
        }
    }

    private func isCurrent(_ http2: HTTP2Connection) -> Bool {
        switch self.phase {
        case .connecting(let current): current === http2
        case .ready(let link): link.http2 === http2
        case .idle, .preparing, .waiting, .shutdown: false
        }
    }

    // MARK: Reports

    private mutating func enter(_ phase: Phase) -> [Action] {
        self.phase = phase
        self.reports.append(self.state)
        return [.report]
    }

    /// Returns the next state to be reported, to one thread at a time, so that the order is kept.
    ///
    /// The thread that is given a state calls again when it has reported it.
    mutating func nextReport(isContinuing: Bool) -> ClientConnection.State? {
        if self.isReporting, !isContinuing { return nil }
        self.isReporting = !self.reports.isEmpty
        return self.isReporting ? self.reports.removeFirst() : nil
    }
}
