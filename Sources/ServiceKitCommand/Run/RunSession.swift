import ServiceKit
import Synchronization
import UnixSignals

/// Runs services: carries out the actions of ``RunState`` until no action is left.
struct RunSession {
    struct Service: Sendable {
        let name: String
        let tool: SwiftTool
        let product: String
        let executable: String
        /// The files and directories whose changes cause a restart.
        let sources: [String]
    }

    let services: [Service]
    /// The build configuration: debug or release.
    let configuration: String
    let builds: Bool
    let watches: Bool
    let arguments: [String]
    let stopLimit: Duration
    let output: RunOutput

    /// The event that a task of the session ended with; `nil` for none.
    private typealias News = RunState.Event?

    /// Runs until the end, and returns the exit code.
    func run() async -> Int32 {
        var state = RunState(count: services.count, builds: builds, watches: watches)
        // Starts before the first build, so that no change is missed.
        let watchers = watches ? services.map { SourceWatcher(roots: $0.sources) } : []
        var processes: [Int: ServiceProcess] = [:]
        // Trapped before any process starts, so that none is left behind.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sigquit, .sighup)
        let interruptions = Watched(0)
        let isBuildWanted = Watched(true)
        return await withTaskGroup(of: News.self) { group in
            group.addTask {
                for await _ in signals { interruptions.update { $0 += 1 } }
                return nil
            }
            group.addTask {
                // A reader that has gone has the effect of ctrl-C.
                await Terminal.output.waitUntilAbandoned()
                interruptions.update { $0 += 1 }
                return nil
            }
            group.addTask { await Self.interruption(1, interruptions) }
            for (service, watcher) in watchers.enumerated() {
                group.addTask { await watcher.waitForChange() ? .changed(service) : nil }
            }

            var isFirstBuild = true
            var seenInterruptions = 1
            var actions = state.begin()
            while true {
                for action in actions {
                    switch action {
                    case .build(let service):
                        let showsProgress = isFirstBuild && Terminal.error.canRedraw
                        if service == services.count - 1 { isFirstBuild = false }
                        group.addTask { await build(service, showsProgress: showsProgress, while: isBuildWanted) }
                    case .cancelBuild:
                        isBuildWanted.set(false)
                    case .start(let service):
                        let process = ServiceProcess(
                            directory: services[service].tool.directory,
                            command: [services[service].executable] + arguments
                        )
                        processes[service] = process
                        group.addTask { .ended(service, await process.run(service, output: output)) }
                    case .stop(let service):
                        guard let process = processes[service] else { continue }
                        group.addTask {
                            if await !process.stop(within: stopLimit) {
                                output.say("did not stop within \(stopLimit); killed", about: service)
                            }
                            return nil
                        }
                    case .kill(let service):
                        processes[service]?.kill()
                    case .say(let service, let message):
                        output.say(message, about: service)
                    case .show(let text):
                        if !text.isEmpty { Terminal.error.post(text) }
                    case .finish(let code):
                        group.cancelAll()
                        return code
                    }
                }
                guard let news = await group.next() else { return 1 }
                guard let event = news else {
                    actions = []
                    continue
                }
                switch event {
                case .interrupted:
                    // From now on, lines that do not fit are dropped.
                    Terminal.output.stopWaiting()
                    Terminal.error.stopWaiting()
                    seenInterruptions += 1
                    group.addTask { [seenInterruptions] in await Self.interruption(seenInterruptions, interruptions) }
                case .changed(let service):
                    group.addTask { await watchers[service].waitForChange() ? .changed(service) : nil }
                case .built, .ended:
                    break
                }
                actions = state.handle(event)
            }
        }
    }

    /// Waits for this many signals.
    private static func interruption(_ count: Int, _ interruptions: Watched<Int>) async -> News {
        await interruptions.first { $0 >= count } == nil ? nil : .interrupted
    }

    private func build(_ index: Int, showsProgress: Bool, while isWanted: Watched<Bool>) async -> News {
        let service = services[index]
        let start = ContinuousClock.now
        let failure: String? = await withTaskGroup(of: String??.self) { group in
            group.addTask {
                do {
                    return .some(
                        try await service.tool.build(
                            service.product, configuration, showsProgress: showsProgress))
                } catch {
                    return .some("swift build: \(error)")
                }
            }
            group.addTask {
                _ = await isWanted.first { !$0 }
                return .none
            }
            // Waits for the build's end even after it was stopped: until then it holds the package's lock.
            while let result = await group.next() {
                group.cancelAll()
                if case .some(let failure) = result { return failure }
            }
            return ""
        }
        return .built(index, seconds: (.now - start) / .seconds(1), failure: failure)
    }
}
