internal import Logging
internal import ServiceKitConcurrency
internal import ServiceLifecycle

/// The life of an App: its start and its stop, each a list of steps in order.
///
/// The first failure requests the stop and is what ``run()`` throws in the end. Failures while stopping are logged, and
/// the rest of the steps still run. Every step has a limit; one that goes on beyond it all the same is left behind.
final class Lifecycle: Service {
    /// How long servers and services may take to end when they are cancelled.
    private static let cutLimit = Duration.seconds(2)

    private let plan: AppPlan
    private let stopRequest = StopRequest()
    private let logger: Logger

    init(_ plan: AppPlan) {
        self.plan = plan
        self.logger = plan.logger
    }

    /// Runs the App until it is asked to stop by graceful shutdown, by cancellation (which hurries), or by a failure.
    ///
    /// - Throws: The cause of the stop when that was a failure.
    func run() async throws {
        // Detached from the caller's cancellation and graceful shutdown: both are requests to `live`, which is left in
        // its own order, and has an end because each of its steps has a limit.
        let life = Task.detached { await self.live() }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await life.value
            } onGracefulShutdown: {
                self.stopRequest.request()
            }
        } onCancel: {
            self.stopRequest.force()
        }
        if let failure = stopRequest.failure { throw failure }
    }

    /// Whether it was asked to stop, or something failed.
    var isStopping: Bool { stopRequest.isRequested }

    /// Stops in order.
    func stop() {
        stopRequest.request()
    }

    /// Cuts short what is left of the stop.
    func force() {
        stopRequest.force()
    }

    private func live() async {
        let parts = RunningParts(plan, stopRequest: stopRequest)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await self.start(parts)
                } catch {
                    // Once a stop is requested, the start fails because of that.
                    if !self.stopRequest.fail(error) {
                        self.logger.debug("start given up", metadata: ["error": "\(error)"])
                    }
                }
            }
            await stopRequest.wait()
            group.cancelAll()
        }
        if let failure = stopRequest.failure {
            // One that could not start says so by throwing, at once; one that served may take a while to end.
            let level: Logger.Level = plan.health.value == .serving ? .error : .debug
            logger.log(level: level, "stopping because of a failure", metadata: ["error": "\(failure)"])
        } else {
            logger.info("stopping")
        }
        await stop(parts)
        logger.info("stopped")
    }

    // MARK: - Start

    private func start(_ parts: RunningParts) async throws {
        try await runStartHooks(.beforeStart)
        try Task.checkCancellation()
        parts.startServices()
        parts.startServers()
        let endpoints = try await readyEndpoints(parts)
        try await register(endpoints, parts)
        try await runStartHooks(.afterStart)
        try Task.checkCancellation()
        plan.health.set(.serving)
        logger.info("serving", metadata: ["service": "\(plan.instance.name)", "id": "\(plan.instance.id)"])
    }

    private func runStartHooks(_ moment: Hooks.Moment) async throws {
        let hooks = plan.hooks[moment]
        for (index, hook) in hooks.enumerated() {
            try await phase(moment.hookName(index, of: hooks.count), plan.startup.hookTimeout).run(body: hook)
        }
    }

    private func readyEndpoints(_ parts: RunningParts) async throws -> [Endpoint] {
        let advertiser = plan.advertiser()
        var endpoints: [Endpoint] = []
        for running in parts.servers {
            let name = running.server.name
            let wait = phase("waiting for the \(name) server to be ready", plan.startup.readyTimeout)
            guard let bound = try await wait.run(body: running.waitUntilReady) else { continue }
            let endpoint = try advertiser.endpoint(for: bound, of: name, advertise: running.server.advertise)
            logger.info(
                "listening",
                metadata: ["server": "\(name)", "address": "\(bound)", "advertised": "\(endpoint)"]
            )
            endpoints.append(endpoint)
        }
        return endpoints
    }

    private func register(_ endpoints: [Endpoint], _ parts: RunningParts) async throws {
        let options = plan.registryOptions
        if options.registration == .none || endpoints.isEmpty { return }
        var instance = plan.instance
        instance.endpoints = endpoints
        if instance.started == nil { instance.metadata["started"] = StartTime.text() }
        try Task.checkCancellation()
        let registration = try parts.register(instance)
        if options.registration == .background { return }
        do {
            try await withTimeLimit(options.timeout, clock: plan.clock) {
                [registrationState = plan.registrationState] in
                try await registration.waitUntilRegistered()
                // Whoever is told that the App serves finds the state there.
                _ = await registrationState.first { $0 == .registered }
            }
        } catch is TimeLimitExceeded {
            let failure = registration.state.value.cause
            let cause = failure.map { ": \($0)" } ?? ", which has not answered"
            // A crashed owner is waited for in vain when its entry outlives the limit.
            let wait = failure?.endsWithin.map { left in
                "; with registry.timeout: \((options.timeout + left).components.seconds + 2)s the start would wait until "
                    + "the other's entry ends"
            }
            throw AppError(
                "cannot register within \(options.timeout) with the \(plan.registryName) registry\(cause)\(wait ?? ""); "
                    + "registry.registration: background would serve all the same and register later"
            )
        }
    }

    // MARK: - Stop

    private func stop(_ parts: RunningParts) async {
        let limits = plan.shutdown
        let registration = parts.registration
        plan.health.set(.stopping)
        var wasRegistered = registration != nil
        if let registration, case .registering = registration.state.value {
            wasRegistered = false
            // At once, so that no client finds a service that stops. The step below waits for the end.
            Task { await registration.release() }
        }
        if parts.isStarted { await runStopHooks(.beforeStop) }
        if let registration, wasRegistered {
            await step("deregistering", limits.deregisterTimeout, canBeCut: false) {
                try await registration.deregister()
            }
            plan.registrationState.setIfChanged(.deregistered)
            await lameDuck(limits.lameDuck)
        }
        await drain(parts.servers, limits.drainTimeout)
        if parts.hasServices { await stopServices(parts, limits.drainTimeout) }
        if let registration {
            await step("giving back the registration", limits.releaseTimeout, canBeCut: false) {
                await registration.release()
            }
        }
        await step("ending the registry", limits.releaseTimeout, canBeCut: false) { await parts.stopRegistry() }
        await runStopHooks(.afterStop)
        if plan.registrationState.value != nil { plan.registrationState.setIfChanged(.deregistered) }
        plan.registrationState.finish()
        plan.health.finish(with: .stopped)
    }

    private func runStopHooks(_ moment: Hooks.Moment) async {
        let hooks = plan.hooks[moment]
        for (index, hook) in hooks.enumerated() {
            await step(moment.hookName(index, of: hooks.count), plan.shutdown.hookTimeout, hook)
        }
    }

    private func lameDuck(_ gap: Duration) async {
        if gap <= .zero { return }
        // Clients that have not heard of the deregistration yet still call: their calls are served.
        await step("lame duck", gap + .seconds(1)) { [clock = plan.clock] in try await clock.sleep(for: gap) }
    }

    private func drain(_ servers: [RunningServer], _ limit: Duration) async {
        if servers.isEmpty { return }
        let isDrained = await step("draining", limit) { await servers.all { await $0.drain() } }
        if isDrained { return }
        await step("cutting calls", Self.cutLimit, canBeCut: false) { await servers.all { await $0.cut() } }
    }

    private func stopServices(_ parts: RunningParts, _ limit: Duration) async {
        if await step("stopping services", limit, { await parts.stopServices() }) { return }
        await step("cancelling services", Self.cutLimit, canBeCut: false) { await parts.cutServices() }
    }

    /// Runs a step of the stop; a failure is logged.
    ///
    /// - Parameter canBeCut: Whether a forced stop cuts the step, or leaves it out when it has not begun.
    /// - Returns: Whether it was done.
    @discardableResult
    private func step(
        _ name: String,
        _ limit: Duration,
        canBeCut: Bool = true,
        _ body: @escaping @Sendable () async throws -> Void
    ) async -> Bool {
        if canBeCut, stopRequest.isForced {
            logger.warning("left out because the stop is forced", metadata: ["phase": "\(name)"])
            return false
        }
        do {
            let hurry: (@Sendable () async -> Void)? = canBeCut ? stopRequest.waitForForce : nil
            try await phase(name, limit).run(hurry: hurry, body: body)
            return true
        } catch is CancellationError {
            logger.warning("cut short", metadata: ["phase": "\(name)"])
        } catch {
            logger.error("failed while stopping; going on", metadata: ["phase": "\(name)", "error": "\(error)"])
        }
        return false
    }

    private func phase(_ name: String, _ limit: Duration) -> Phase {
        Phase(name: name, limit: limit, clock: plan.clock)
    }
}

extension Hooks.Moment {
    /// `before-stop hook`, with a number when there are several.
    fileprivate func hookName(_ index: Int, of count: Int) -> String {
        "\(rawValue) hook" + (count > 1 ? " \(index + 1) of \(count)" : "")
    }
}

extension [RunningServer] {
    /// Does something to all at once.
    fileprivate func all(_ body: @escaping @Sendable (RunningServer) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for server in self { group.addTask { await body(server) } }
        }
    }
}
