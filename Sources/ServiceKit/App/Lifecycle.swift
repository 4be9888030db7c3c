private import FoundationEssentials
internal import Logging
internal import ServiceKitConcurrency
internal import ServiceLifecycle

/// The life of an App: its start and its stop, each a list of steps in order.
///
/// The legal transitions are: start → serve → stop, and start → stop after a failure or a request. The first failure
/// requests the stop, and ``run()`` throws it in the end. Failures of the stop are logged, and its other steps still run.
/// Every step has a limit. A step that ignores its limit is left behind.
final class Lifecycle: Service {
    /// How long servers and services may take to end when they are cancelled.
    private static let cutLimit = Duration.seconds(2)

    private let app: App
    private let parts: App.Parts
    private let advertised: [String: AdvertisedAddress]
    /// The clock of every limit.
    private let clock: any Clock<Duration>
    private let stopRequest: StopRequest
    let runtime: AppRuntime
    private let logger: Logger

    /// `advertised` has the option `advertise` of each server that has it, by the server's name.
    init(of app: App, _ parts: App.Parts, advertised: [String: AdvertisedAddress], clock: any Clock<Duration>) {
        let stopRequest = StopRequest()
        self.app = app
        self.parts = parts
        self.stopRequest = stopRequest
        runtime = AppRuntime(of: app, parts, stopRequest: stopRequest)
        self.advertised = advertised
        self.clock = clock
        self.logger = app.logger
    }

    /// Runs the App until it is asked to stop by graceful shutdown, by cancellation (which hurries), or by a failure.
    /// Throws the cause of the stop when that was a failure.
    func run() async throws {
        // Detached from the caller's cancellation and graceful shutdown: both are requests to `live`, which ends in its own
        // order. It does end, because each of its steps has a limit.
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

    /// Cuts the rest of the stop short.
    func force() {
        stopRequest.force()
    }

    private func live() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await self.start()
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
            // An App that could not start throws at once. An App that served may take a while to end.
            let level: Logger.Level = app.health.value == .serving ? .error : .debug
            logger.log(level: level, "stopping because of a failure", metadata: ["error": "\(failure)"])
        } else {
            logger.info("stopping")
        }
        await stopInOrder()
        logger.info("stopped")
    }

    // MARK: - Start

    private func start() async throws {
        try await runStartHooks(.beforeStart)
        try Task.checkCancellation()
        runtime.startServices()
        runtime.startServers()
        let endpoints = try await readyEndpoints()
        try await register(endpoints)
        try await runStartHooks(.afterStart)
        try Task.checkCancellation()
        app.health.set(.serving)
        logger.info("serving", metadata: ["service": "\(app.instance.name)", "id": "\(app.instance.id)"])
    }

    private func runStartHooks(_ moment: HookMoment) async throws {
        let hooks = parts.hooks[moment] ?? []
        for (index, hook) in hooks.enumerated() {
            try await run(moment.hookName(index, of: hooks.count), app.startup.hookTimeout, hook)
        }
    }

    private func readyEndpoints() async throws -> [Endpoint] {
        let advertiser = AddressAdvertiser(
            options: app.options.advertise,
            configuration: app.configuration,
            reach: app.registry.reach,
            environment: app.environment,
            interfaces: InterfaceAddress.all,
            logger: logger
        )
        var endpoints: [Endpoint] = []
        for running in runtime.servers {
            let name = running.server.name
            let step = "waiting for the \(name) server to be ready"
            let bound = try await run(step, app.startup.readyTimeout, running.waitUntilReady)
            let reachable = try advertiser.endpoints(for: bound, of: name, advertise: advertised[name])
            for (address, endpoint) in zip(bound, reachable) {
                logger.info(
                    "listening",
                    metadata: ["server": "\(name)", "address": "\(address)", "advertised": "\(endpoint)"]
                )
            }
            endpoints += reachable
        }
        return endpoints
    }

    private func register(_ endpoints: [Endpoint]) async throws {
        let options = app.registryOptions
        if options.registration == .none || endpoints.isEmpty { return }
        var instance = app.instance
        instance.endpoints = endpoints
        if instance.started == nil { instance.metadata["started"] = Date.now.formatted(.iso8601) }
        try Task.checkCancellation()
        let registration = try runtime.register(instance, logsRefusals: options.registration == .background)
        if options.registration == .background { return }
        do {
            try await withTimeLimit(options.timeout, clock: clock) { [registrationState = app.registrationState] in
                try await registration.waitUntilRegistered()
                // A task that hears that the App serves finds the state there.
                _ = await registrationState.first { $0 == .registered }
            }
        } catch is TimeLimitExceeded {
            let failure = registration.state.value.cause
            let cause = failure.map { ": \($0)" } ?? ", which has not answered"
            // The wait for a crashed owner is in vain if its entry outlives the limit.
            let wait = failure?.endsWithin.map { left in
                "; with registry.timeout: \((options.timeout + left).components.seconds + 2)s the start would wait until "
                    + "the other's entry ends"
            }
            throw AppError(
                "cannot register within \(options.timeout) with the \(app.registryName) registry\(cause)\(wait ?? ""); "
                    + "registry.registration: background would serve all the same and register later"
            )
        }
    }

    // MARK: - Stop

    private func stopInOrder() async {
        let limits = app.shutdown.value
        let registration = runtime.registration
        app.health.set(.stopping)
        var wasRegistered = registration != nil
        if let registration, case .registering = registration.state.value {
            wasRegistered = false
            // At once, so that no client finds a service that stops. The step below waits for the end.
            Task { await registration.release() }
        }
        if runtime.isStarted { await runStopHooks(.beforeStop) }
        if let registration, wasRegistered {
            await step("deregistering", limits.deregisterTimeout, canBeCut: false) {
                try await registration.deregister()
            }
            runtime.setRegistrationState(.deregistered)
            await lameDuck(limits.lameDuck)
        }
        await drain(runtime.servers, limits.drainTimeout)
        if runtime.hasServices { await stopServices(limits.drainTimeout) }
        if let registration {
            await step("giving back the registration", limits.releaseTimeout, canBeCut: false) {
                await registration.release()
            }
        }
        await step("ending the registry", limits.releaseTimeout, canBeCut: false) { [runtime] in
            await runtime.stopRegistry()
        }
        await runStopHooks(.afterStop)
        if app.registrationState.value != nil { runtime.setRegistrationState(.deregistered) }
        app.registrationState.finish()
        app.health.finish(with: .stopped)
    }

    private func runStopHooks(_ moment: HookMoment) async {
        let hooks = parts.hooks[moment] ?? []
        for (index, hook) in hooks.enumerated() {
            await step(moment.hookName(index, of: hooks.count), app.shutdown.value.hookTimeout, hook)
        }
    }

    private func lameDuck(_ gap: Duration) async {
        if gap <= .zero { return }
        // Clients that have not heard of the deregistration yet still call: their calls are served.
        await step("lame duck", gap + .seconds(1)) { [clock] in try await clock.sleep(for: gap) }
    }

    private func drain(_ servers: [RunningServer], _ limit: Duration) async {
        if servers.isEmpty { return }
        let isDrained = await step("draining", limit) { await servers.all { await $0.drain() } }
        if isDrained { return }
        await step("cutting calls", Self.cutLimit, canBeCut: false) { await servers.all { await $0.cut() } }
    }

    private func stopServices(_ limit: Duration) async {
        if await step("stopping services", limit, { [runtime] in await runtime.stopServices() }) { return }
        await step("cancelling services", Self.cutLimit, canBeCut: false) { [runtime] in await runtime.cutServices() }
    }

    /// Runs a step of the stop and returns whether it was done; a failure is logged. `canBeCut` says whether a forced
    /// stop cuts the step, or leaves it out when it has not begun.
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
            try await run(name, limit, hurry: hurry, body)
            return true
        } catch is CancellationError {
            logger.warning("cut short", metadata: ["phase": "\(name)"])
        } catch {
            logger.error("failed while stopping; going on", metadata: ["phase": "\(name)", "error": "\(error)"])
        }
        return false
    }

    /// Runs a step of the start or the stop, which snapshots name meanwhile.
    private func run<Result: Sendable>(
        _ name: String,
        _ limit: Duration,
        hurry: (@Sendable () async -> Void)? = nil,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        runtime.setStep(name)
        defer { runtime.setStep(nil) }
        return try await Phase(name: name, limit: limit, clock: clock).run(hurry: hurry, body: body)
    }
}

extension HookMoment {
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
