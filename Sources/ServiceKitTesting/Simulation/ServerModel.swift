internal import DequeModule
internal import ServiceKit

/// A server in a simulation, with the limits and the load reports of real servers.
///
/// | an attempt is | event | becomes |
/// |---|---|---|
/// | underway | it comes | working, waiting, or done: refused, failed |
/// | waiting | a worker is free | working |
/// | waiting | its deadline passes, or the server becomes unreachable | done |
/// | working | its work is done | done |
final class ServerModel {
    let id: String
    /// The number in the results.
    let number: Int
    private(set) var options: SimulatedServer
    /// The instance that it has registered.
    let instance: ServiceInstance
    /// Whether it is in the registry.
    var isRegistered = true

    private unowned let simulation: Simulation
    private var queue = Deque<SimulatedAttempt>()
    /// The attempts in the queue that have not been left.
    private var waiting = 0
    private var working: [ObjectIdentifier: SimulatedAttempt] = [:] {
        didSet { processors.setBusy(working.count) }
    }
    /// Attempts that are never answered.
    private var hanging: [ObjectIdentifier: SimulatedAttempt] = [:]
    /// Work beside the calls', in nanoseconds: it makes the next call take longer.
    private var debt: UInt64 = 0
    private let load: ServedLoad
    private var limit: ConcurrencyLimit?
    private let processors: SimulatedProcessors

    init(_ id: String, number: Int, _ options: SimulatedServer, in simulation: Simulation) {
        self.id = id
        self.number = number
        self.options = options
        instance = options.instance(id)
        self.simulation = simulation
        processors = SimulatedProcessors(clock: simulation.clock)
        load = ServedLoad(usage: Self.usage(options, processors))
        setLimit()
    }

    var isReachable: Bool { options.behavior != .unreachable }

    private func setLimit() {
        guard options.limit.concurrency != .none || !options.limit.methods.isEmpty else {
            limit = nil
            return
        }
        let clock = simulation.clock
        limit = ConcurrencyLimit(options.limit, now: { clock.now }, usage: Self.usage(options, processors))
    }

    private static func usage(_ options: SimulatedServer, _ processors: SimulatedProcessors) -> ProcessorUsage {
        ProcessorUsage(processors: Double(options.workers)) { processors.used }
    }

    /// Takes other options over. Work that has begun takes as long as it would have.
    func change(_ options: SimulatedServer) {
        let last = self.options
        self.options = options
        if options.limit != last.limit { setLimit() }
        if !isReachable { dropAll() }
        startWaiting()
    }

    // MARK: - Attempts

    func serve(_ attempt: SimulatedAttempt) {
        guard attempt.isAwaited else { return }
        attempt.arrival = simulation.clock.now
        switch options.behavior {
        case .unreachable:
            return fail(attempt, .unavailable)
        case .fails(let code, let share) where share >= 1 || attempt.random.fraction() < share:
            return fail(attempt, code)
        case .hangs:
            attempt.state = .waiting
            hanging[ObjectIdentifier(attempt)] = attempt
            return
        case .fails, .serves:
            break
        }
        guard admit(attempt) else {
            debt += options.refusalWork.nanoseconds / UInt64(max(1, options.workers))
            attempt.isRefused = true
            return fail(attempt, .tooManyRequests)
        }
        attempt.load = options.reportsLoad ? load.begin(at: attempt.arrival) : nil
        if working.count < options.workers {
            start(attempt)
        } else if waiting < options.queue {
            attempt.state = .waiting
            waiting += 1
            queue.append(attempt)
        } else {
            end(attempt, .tooManyRequests)
            fail(attempt, .tooManyRequests)
        }
    }

    private func admit(_ attempt: SimulatedAttempt) -> Bool {
        guard let limit else { return true }
        let priority = attempt.call.priority
        var call = Call(
            side: .server,
            operation: attempt.call.method.operation,
            metadata: priority == .default ? [:] : [CallPriority.header: .string(priority.rawValue)]
        )
        do {
            try limit.beginServing(&call)
        } catch {
            return false
        }
        attempt.served = call
        return true
    }

    private func start(_ attempt: SimulatedAttempt) {
        let now = simulation.clock.now
        attempt.state = .working
        attempt.queueDelay = now - attempt.arrival
        attempt.served?.begun()
        let work = options.work.draw(&attempt.random) + debt
        debt = 0
        // At least a nanosecond; at most a century, on a server whose speed is 0.
        attempt.workTime = UInt64(min(max(1, Double(work) / max(options.speed, 1e-9)), 3e18))
        working[ObjectIdentifier(attempt)] = attempt
        simulation.add(.finish(attempt), after: attempt.workTime)
    }

    /// A worker has done an attempt's work.
    func finish(_ attempt: SimulatedAttempt) {
        guard working.removeValue(forKey: ObjectIdentifier(attempt)) != nil else { return }
        attempt.state = .done
        let report = end(attempt, attempt.isAwaited ? nil : .deadlineExceeded)
        if attempt.isAwaited { simulation.answer(attempt, nil, report) }
        startWaiting()
    }

    private func startWaiting() {
        while working.count < options.workers, let next = queue.popFirst() {
            guard next.state == .waiting else { continue }
            waiting -= 1
            start(next)
        }
    }

    /// The deadline of an attempt has passed. Work that has begun goes on.
    func leave(_ attempt: SimulatedAttempt) {
        guard attempt.state == .waiting else { return }
        attempt.state = .done
        if hanging.removeValue(forKey: ObjectIdentifier(attempt)) != nil { return }
        // It stays in the queue until its turn.
        waiting -= 1
        end(attempt, .deadlineExceeded)
    }

    /// The server is gone, and so are all attempts.
    private func dropAll() {
        let all = Array(queue) + Array(working.values) + Array(hanging.values)
        queue = []
        waiting = 0
        working = [:]
        hanging = [:]
        // In an order that is the same in each run.
        for attempt in all.filter({ $0.state != .done }).sorted(by: { $0.arrival < $1.arrival }) {
            end(attempt, .unavailable)
            if attempt.isAwaited { fail(attempt, .unavailable) }
        }
    }

    private func fail(_ attempt: SimulatedAttempt, _ code: ServiceError.Code) {
        attempt.state = .done
        simulation.answer(attempt, code, nil)
    }

    /// Tells the middleware.
    @discardableResult
    private func end(_ attempt: SimulatedAttempt, _ code: ServiceError.Code?) -> LoadReport? {
        if var call = attempt.served {
            attempt.served = nil
            var result = CallResult(error: code.map { ServiceError($0, reason: "", message: "") })
            call.end(with: &result)
        }
        guard let begun = attempt.load else { return nil }
        attempt.load = nil
        return load.end(begun, at: simulation.clock.now, failed: code != nil)
    }
}
