import Subprocess

/// The decisions of `kit run`: takes events and returns actions. Knows no process and no clock.
struct RunState {
    enum Event: Hashable {
        /// A build ended. `failure` holds the compiler's output if the build failed.
        case built(Int, seconds: Double, failure: String?)
        case changed(Int)
        /// The process of a service ended.
        case ended(Int, TerminationStatus)
        /// The user wants to end: the first time in order, the second time at once.
        case interrupted
    }

    enum Action: Hashable {
        case build(Int)
        case cancelBuild
        case start(Int)
        case stop(Int)
        case kill(Int)
        case say(Int, String)
        case show(String)
        /// No action is left.
        case finish(Int32)
    }

    private enum Process { case none, running, restarting, stopping, killed }

    private struct Service {
        var process = Process.none
        /// The message to print once the service runs again.
        var news: String?
    }

    private enum Phase: Equatable {
        /// All services are built before one starts.
        case preparing
        case running
        case stopping(code: Int32)
        case finished
    }

    private let builds: Bool
    private let watches: Bool
    private var services: [Service]
    private var phase = Phase.preparing
    private var building: Int?
    private var wasBuildCancelled = false
    private var queue: [Int]
    private var unbuilt: Set<Int> = []

    init(count: Int, builds: Bool = true, watches: Bool) {
        self.builds = builds
        self.watches = watches
        services = Array(repeating: Service(), count: count)
        queue = Array(0..<count)
    }

    mutating func begin() -> [Action] {
        if builds { return nextBuild() }
        queue = []
        return startAll()
    }

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .built(let service, let seconds, let failure): built(service, seconds: seconds, failure: failure)
        case .changed(let service): changed(service)
        case .ended(let service, let exit): ended(service, exit)
        case .interrupted: interrupted()
        }
    }

    // MARK: - Building

    private mutating func nextBuild() -> [Action] {
        guard building == nil, !queue.isEmpty else { return [] }
        let service = queue.removeFirst()
        building = service
        return (phase == .preparing ? [.say(service, "building")] : []) + [.build(service)]
    }

    private mutating func built(_ service: Int, seconds: Double, failure: String?) -> [Action] {
        building = nil
        switch phase {
        case .preparing: return prepared(service, seconds: seconds, failure: failure)
        case .running: return rebuilt(service, seconds: seconds, failure: failure)
        case .stopping, .finished: return finishIfDone()
        }
    }

    private mutating func prepared(_ service: Int, seconds: Double, failure: String?) -> [Action] {
        var actions: [Action] = []
        if let failure {
            actions = [
                .show(failure), .say(service, watches ? "the build failed; waiting for a change" : "the build failed"),
            ]
            unbuilt.insert(service)
            if !watches {
                phase = .finished
                return actions + [.finish(1)]
            }
        } else {
            services[service].news = "built in \(Self.text(seconds)), started"
            unbuilt.remove(service)
        }
        let next = nextBuild()
        if !next.isEmpty { return actions + next }
        return actions + startAll()
    }

    private mutating func startAll() -> [Action] {
        phase = .running
        return services.indices.filter { !unbuilt.contains($0) }.flatMap { start($0) }
    }

    private mutating func rebuilt(_ service: Int, seconds: Double, failure: String?) -> [Action] {
        var actions: [Action] = []
        if let failure {
            let goesOn = services[service].process != .none
            let rest = goesOn ? "the last one goes on" : "waiting for a change"
            actions = [.show(failure), .say(service, "the build failed; \(rest)")]
        } else if !queue.contains(service) {
            // Otherwise the sources have changed again; the next build will run.
            switch services[service].process {
            case .none:
                services[service].news = "rebuilt in \(Self.text(seconds)), started"
                actions = start(service)
            case .running:
                services[service].process = .restarting
                services[service].news = "rebuilt in \(Self.text(seconds)), restarted"
                actions = [.stop(service)]
            case .restarting, .stopping, .killed:
                services[service].news = "rebuilt in \(Self.text(seconds)), restarted"
            }
        }
        return actions + nextBuild()
    }

    private mutating func changed(_ service: Int) -> [Action] {
        guard phase == .running || phase == .preparing else { return [] }
        if !queue.contains(service) { queue.append(service) }
        return nextBuild()
    }

    // MARK: - Processes

    private mutating func start(_ service: Int) -> [Action] {
        services[service].process = .running
        defer { services[service].news = nil }
        return [.start(service)] + (services[service].news.map { [.say(service, $0)] } ?? [])
    }

    private mutating func ended(_ service: Int, _ exit: TerminationStatus) -> [Action] {
        let process = services[service].process
        services[service].process = .none
        switch phase {
        case .preparing, .finished:
            return []
        case .running where process == .restarting:
            return start(service)
        case .running where watches:
            return [.say(service, "\(exit.text); waiting for a change")]
        case .running:
            phase = .stopping(code: exit.shellCode)
            return [.say(service, exit.text)] + stopAll() + finishIfDone()
        case .stopping(let code):
            var actions: [Action] = []
            // A service without a handler for SIGTERM dies of it, which is as good.
            let isGood = exit == .exited(0) || (process == .stopping && exit == .signaled(15))
            if !isGood {
                actions = [.say(service, exit.text)]
                if code == 0 { phase = .stopping(code: exit.shellCode) }
            }
            return actions + finishIfDone()
        }
    }

    private mutating func interrupted() -> [Action] {
        switch phase {
        case .preparing, .running:
            phase = .stopping(code: 0)
            return stopAll() + finishIfDone()
        case .stopping:
            var actions: [Action] = []
            for service in services.indices where services[service].process != .none {
                services[service].process = .killed
                actions.append(.kill(service))
            }
            return actions
        case .finished:
            return []
        }
    }

    private mutating func stopAll() -> [Action] {
        var actions: [Action] = []
        queue = []
        if building != nil, !wasBuildCancelled {
            wasBuildCancelled = true
            actions.append(.cancelBuild)
        }
        for service in services.indices.reversed() {
            switch services[service].process {
            case .running:
                services[service].process = .stopping
                actions.append(.stop(service))
            case .restarting:
                services[service].process = .stopping
            case .none, .stopping, .killed:
                break
            }
        }
        return actions
    }

    private mutating func finishIfDone() -> [Action] {
        guard case .stopping(let code) = phase, building == nil, services.allSatisfy({ $0.process == .none }) else {
            return []
        }
        phase = .finished
        return [.finish(code)]
    }

    private static func text(_ seconds: Double) -> String {
        "\((seconds * 10).rounded() / 10) s"
    }
}

extension TerminationStatus {
    /// The exit code in a shell's notation: the code, or 128 and the signal's number.
    fileprivate var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }

    fileprivate var text: String {
        switch self {
        case .exited(let code): "ended with exit code \(code)"
        case .signaled(let signal): "ended by signal \(signal)"
        }
    }
}
