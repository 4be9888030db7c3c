internal import FoundationEssentials
internal import Logging
private import ServiceLifecycle
private import Synchronization

/// The parts of an App that run: the servers, the services, the registry and the registration.
final class AppRuntime: Sendable {
    private struct State {
        var isStarted = false
        var servers: [RunningServer] = []
        var services: (group: ServiceGroup, task: Task<Void, Never>)?
        var registryTask: Task<Void, Never>?
        var configurationTask: Task<Void, Never>?
        var metadataTask: Task<Void, Never>?
        var registration: (any Registration)?
        /// The registration's state, with the times that an operator asks for.
        var registrationSnapshot: AppSnapshot.Registration?
        var step: String?
    }

    private let parts: App.Parts
    private let store: ConfigurationStore
    /// The labels that the configuration had at the start, and those that it has.
    private let labels: [String: String]
    private let metadata: Live<[String: String]>
    private let registry: any Registry
    private let registryName: String
    private let registrationState: Watched<RegistrationState?>
    private let stopRequest: StopRequest
    private let logger: Logger
    private let state = Mutex(State())

    init(of app: App, _ parts: App.Parts, stopRequest: StopRequest) {
        self.parts = parts
        store = app.store
        labels = app.instance.metadata
        metadata = app.metadata
        registry = app.registry
        registryName = app.registryName
        registrationState = app.registrationState
        self.stopRequest = stopRequest
        logger = app.logger
    }

    var isStarted: Bool { state.withLock(\.isStarted) }
    var hasServices: Bool { state.withLock { $0.services != nil } }
    var servers: [RunningServer] { state.withLock(\.servers) }
    var registration: (any Registration)? { state.withLock(\.registration) }

    /// The step of the start or the stop that runs now.
    var step: String? { state.withLock(\.step) }
    var registrationSnapshot: AppSnapshot.Registration? { state.withLock(\.registrationSnapshot) }

    func setStep(_ name: String?) {
        state.withLock { $0.step = name }
    }

    // MARK: - Start

    // The tasks below are unstructured: a task that does not end must not keep the App from ending. The stop cancels each
    // and waits for it, within a limit.

    /// Starts the registry and the App's services. Changes of the configuration are taken from now on.
    func startServices() {
        let registryTask = Task { [registry] in await registry.run() }
        let configurationTask = Task { [store] in await store.run() }
        state.withLock { state in
            state.isStarted = true
            state.configurationTask = configurationTask
            state.registryTask = registryTask
        }
        if parts.services.isEmpty { return }
        let services = parts.services.map { service in
            // A service that has done its work may end.
            ServiceGroupConfiguration.ServiceConfiguration(
                service: ReportingService(base: service, onFailure: failed),
                successTerminationBehavior: .ignore
            )
        }
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger))
        // The group throws its cancellation only: the services report their failures themselves.
        let task = Task { _ = try? await group.run() }
        state.withLock { $0.services = (group, task) }
    }

    func startServers() {
        let servers = parts.servers.map { server in RunningServer(server, onEnd: ended) }
        state.withLock { $0.servers = servers }
    }

    /// Registers the instance, and tells the App the state from now on. Refusals are logged if the start does not throw
    /// them. Throws `RegistryError` when the instance is not valid.
    func register(_ instance: ServiceInstance, logsRefusals: Bool) throws -> any Registration {
        let registration = try registry.register(instance)
        let metadataTask = Task { await followMetadata(of: instance, registration) }
        state.withLock { state in
            state.registration = registration
            state.metadataTask = metadataTask
        }
        // It ends when the registration has been released.
        Task { [logger, self] in
            for await state in registration.state.values {
                if logsRefusals, case .registering(let cause?) = state, cause.isPermanent {
                    logger.warning("cannot register; trying again", metadata: ["cause": "\(cause)"])
                }
                setRegistrationState(state)
            }
        }
        return registration
    }

    /// Updates the registration when the labels in the configuration change. Labels of operators stay.
    private func followMetadata(of instance: ServiceInstance, _ registration: any Registration) async {
        var last = labels
        var instance = instance
        for await next in metadata where next != last {
            let changed = Set(last.keys).union(next.keys).filter { last[$0] != next[$0] }.sorted()
            // The others are the App's own, such as the time of the start.
            instance.metadata = instance.metadata.filter { last[$0.key] == nil }.merging(next) { $1 }
            last = next
            do {
                try await registration.update(instance)
                logger.notice("labels changed", metadata: ["labels": "\(changed.joined(separator: " "))"])
            } catch is CancellationError {
                return
            } catch {
                logger.warning(
                    "labels changed, and the registry does not have them yet", metadata: ["cause": "\(error)"])
            }
        }
    }

    /// Tells the App the registration's state, and keeps the time for snapshots.
    func setRegistrationState(_ new: RegistrationState) {
        state.withLock { state in
            let last = state.registrationSnapshot
            state.registrationSnapshot = AppSnapshot.Registration(in: registryName, new, at: .now, after: last)
        }
        registrationState.setIfChanged(new)
    }

    // MARK: - Failures

    private func ended(_ server: any Server, _ state: AppSnapshot.Server.State, _ error: (any Error)?) {
        let isStopping = stopRequest.isRequested
        switch (state, error) {
        case (_, nil) where isStopping, (_, is CancellationError) where isStopping, (.starting, _) where isStopping:
            // The server was asked to end, or was cut. Before it serves, it may then fail to serve.
            break
        case (_, nil), (_, is CancellationError):
            failed("\(server.name) server", AppError("the \(server.name) server ended by itself"))
        case (_, let error?):
            failed("\(server.name) server", error)
        }
    }

    /// A part failed: that is a reason to stop, unless the App is stopping already.
    private func failed(_ part: String, _ error: any Error) {
        if stopRequest.fail(error) { return }
        logger.error("failed while stopping; going on", metadata: ["part": "\(part)", "error": "\(error)"])
    }

    // MARK: - Stop

    /// Lets the App's services end, in the reverse of their order, and waits for them.
    func stopServices() async {
        guard let services = state.withLock(\.services) else { return }
        await services.group.triggerGracefulShutdown()
        await services.task.value
    }

    /// Cancels the services that are left, and waits.
    func cutServices() async {
        guard let task = state.withLock(\.services)?.task else { return }
        task.cancel()
        await task.value
    }

    /// Ends the registry, and takes no changes of the configuration any more.
    func stopRegistry() async {
        let tasks = state.withLock { [$0.registryTask, $0.configurationTask, $0.metadataTask].compactMap(\.self) }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}

/// A service whose failure does not end the services beside it, which calls in flight may need.
private struct ReportingService: Service {
    let base: any Service
    let onFailure: @Sendable (_ part: String, any Error) -> Void

    func run() async throws {
        do {
            try await base.run()
        } catch is CancellationError where Task.isCancelled {
            // Cut by the stop.
        } catch {
            let name = "service \(type(of: base))"
            onFailure(name, AppError("\(name): \(error)"))
        }
    }
}
