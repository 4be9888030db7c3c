public import Logging
public import ServiceKitConfig
public import ServiceLifecycle
private import Synchronization

/// A service: its servers, its place in the registry, and its life from start to stop.
///
/// ```swift
/// @main struct UserService {
///     static func main() async {
///         await App.run { app in
///             app.serve(UserProvider(store: UserStore()))
///             app.beforeStop { await flush() }
///         }
///     }
/// }
/// ```
///
/// *Start*: before-start hooks; services; every server bound and ready; registration; after-start hooks; serving.
/// *Stop*, on a signal or a failure: not serving; before-stop hooks; deregistration; a gap for clients that do not know of
/// it yet; servers drain; services end; the lease is given back; after-stop hooks. Every step has a limit. A step of the
/// stop that fails is logged, and the rest still runs. The App reports the first failure.
///
/// An App is itself a `Service` and can be part of a larger `ServiceGroup`;
/// ``run(plugins:arguments:bootstrapsLogging:_:)`` is for a main.
public final class App: Service, Sendable {
    private enum Stage { case described, assembled, run }

    private struct State {
        var stage = Stage.described
        var serverMiddleware = MiddlewareChain()
        var clientMiddleware = MiddlewareChain()
        var nodePipeline = NodePipeline()
        var channels: [@Sendable () -> ChannelSnapshot] = []
        var parts = Parts()
        var runtime: AppRuntime?
        var serverFactories: [@Sendable (App) throws -> any Server] = []
    }

    struct Parts {
        var hooks: [HookMoment: [Hook]] = [:]
        var services: [any Service] = []
        var servers: [any Server] = []
    }

    /// The configuration in force. A service decodes its own sections from it; ``live(_:at:)`` follows their changes.
    public var configuration: Configuration { store.configuration }
    /// The logger, at the level that the section `log` has now.
    public let logger: Logger
    /// This instance, without its endpoints, which only the registry knows.
    public let instance: ServiceInstance
    /// The registry that `registry.backend` names.
    public let registry: any Registry
    /// Finds services through the registry, with one watch for each service in this process.
    public let discovery: Discovery
    /// The balancers that configuration can name.
    public let balancers: Balancers
    /// The things that configuration can name beyond the embedded ones.
    package let plugins: [Plugin]
    /// Whether the App serves, and every change of that.
    public let health = Watched(AppHealth.starting)
    /// Whether the registry holds this instance, and every change of that; `nil` before the registration begins, and
    /// always with `registry.registration: none`.
    public let registrationState = Watched<RegistrationState?>(nil)

    /// The configurations in force, one after the other, for a package that follows all values.
    public let store: ConfigurationStore
    let options: AppOptions
    let registryOptions: RegistryOptions
    let startup: StartupOptions
    let shutdown: Live<ShutdownOptions>
    /// The load of the calls that are served, which callers are told if `server.load-reports.enabled` says so.
    public let servedLoad = ServedLoad()
    /// The operations that the servers have; `nil` until a server has said so. Metrics and traces give no name to others.
    package let servedOperations = Watched<Set<String>?>(nil)
    /// The labels of the instance, which change with the configuration.
    let metadata: Live<[String: String]>
    let environment: [String: String]
    /// The registry's name, for errors.
    let registryName: String
    private let components = Mutex<[ObjectIdentifier: any Sendable]>([:])
    private let state = Mutex(State())

    /// Creates an App from its configuration.
    ///
    /// - Parameters:
    ///   - configuration: The configuration; the sections `app`, `registry`, `startup`, `shutdown` and `log` are read.
    ///   - plugins: The registries, balancers and other things that configuration can name beyond the embedded ones.
    ///   - registry: A registry to use instead of the configured one.
    ///   - logger: Where to log; by default a logger of the service's name. It has the backend that was bootstrapped, and
    ///     ``QueuedLogHandler`` in place of swift-log's own `StreamLogHandler`.
    ///   - environment: The environment variables, by default the process's.
    /// - Throws: `ConfigurationError`, or an error of the registry's backend.
    public convenience init(
        configuration: Configuration = Configuration(),
        plugins: [Plugin] = [],
        registry: (any Registry)? = nil,
        logger: Logger? = nil,
        environment: [String: String] = ProcessEnvironment.current
    ) throws {
        try self.init(
            store: ConfigurationStore(configuration),
            plugins: plugins,
            registry: registry,
            logger: logger,
            environment: environment
        )
    }

    /// Creates an App from a configuration that changes. The store has been started; the App runs it.
    ///
    /// - Parameters:
    ///   - store: The configuration; see ``init(configuration:plugins:registry:logger:environment:)``.
    ///   - plugins: The registries, balancers and other things that configuration can name beyond the embedded ones.
    ///   - registry: A registry to use instead of the configured one.
    ///   - logger: Where to log.
    ///   - environment: The environment variables, by default the process's.
    /// - Throws: `ConfigurationError`, or an error of the registry's backend.
    public init(
        store: ConfigurationStore,
        plugins: [Plugin] = [],
        registry: (any Registry)? = nil,
        logger: Logger? = nil,
        environment: [String: String] = ProcessEnvironment.current
    ) throws {
        let configuration = store.configuration
        let options = try configuration.decode(AppOptions.self, at: "app")
        let name = options.name ?? ProcessEnvironment.programName
        var logger = logger ?? DefaultLogBackend.logger(label: name)
        let levels = LogLevels()
        try levels.follow(store)
        logger.handler = LeveledLogHandler(logger.handler, LabelLevel(logger.label, of: levels))
        ConfigurationSections(plugins: plugins).register(in: configuration)
        try ConfigurationSources(plugins: plugins).read(configuration)
        self.store = store
        self.options = options
        self.balancers = Balancers(plugins: plugins)
        self.plugins = plugins
        self.logger = logger
        self.environment = environment
        self.startup = try configuration.decode(StartupOptions.self, at: "startup")
        self.shutdown = try store.live(ShutdownOptions.self, at: "shutdown")
        self.metadata = try store.live([String: String].self, at: "app.metadata")
        self.instance = try ServiceInstance(options, from: configuration)
        let backends = RegistryBackends(plugins: plugins)
        self.registryOptions = try RegistryOptions(configuration, backends: backends)
        if let registry {
            self.registry = registry
            self.registryName = "\(type(of: registry))"
        } else {
            self.registry = try backends.make(registryOptions.backend, configuration: configuration, logger: logger)
            self.registryName = registryOptions.backend
        }
        self.discovery = Discovery(self.registry)
        try useDefaultMiddleware()
    }

    /// A section of the configuration, or a single value, that follows changes of its sources. The same type and path
    /// give the same object.
    ///
    /// - Parameters:
    ///   - type: The section's type.
    ///   - path: Its path, such as `rate-limit`.
    /// - Returns: The section's value and its changes.
    /// - Throws: `ConfigurationError` when the section is wrong now. A wrong change later is refused.
    public func live<Section: Decodable & Equatable & Sendable>(
        _ type: Section.Type,
        at path: String
    ) throws(ConfigurationError) -> Live<Section> {
        try store.live(type, at: path)
    }

    /// Lets a module follow changes of the configuration at some paths; see ``ConfigurationStore/follow(_:_:)``. Call it
    /// before the App runs.
    package func follow(_ paths: [String], _ prepare: @escaping ConfigurationStore.Preparation) {
        store.follow(paths, prepare)
    }

    // MARK: - Middleware

    /// Adds middleware around the calls that are served, inside the middleware that was added before.
    ///
    /// By default there is, from the outside in: ``LoadReporting``, ``CallMetrics``, ``RateLimit``, ``ConcurrencyLimit``,
    /// ``CircuitBreakers``, ``CallTracing``, ``CallLogging``, ``ErrorMasking``, ``MetadataPropagation``, ``Deadlines``,
    /// ``FaultInjection``, what plugins add, such as authentication, and ``Authorization``. Limits, breakers, faults and rules do nothing unless
    /// configured. One of the same type for all calls replaces the default.
    public func use(_ middleware: any Middleware, for rule: OperationRule = .all) {
        describe("\(type(of: middleware))") { $0.serverMiddleware.use(middleware, for: rule) }
    }

    /// Adds middleware around the calls that are made, inside the middleware that was added before.
    ///
    /// By default there is, from the outside in: ``CallMetrics``, ``CallTracing``, ``CallLogging``, ``MetadataPropagation``,
    /// ``Deadlines``, ``FaultInjection``. A client has the middleware that was added before the client was asked for.
    public func useForClients(_ middleware: any Middleware, for rule: OperationRule = .all) {
        describe("\(type(of: middleware))") { $0.clientMiddleware.use(middleware, for: rule) }
    }

    /// Adds a step that chooses the instances that clients connect to, behind the subsets that are there already. Each
    /// client has a copy of its own. Clients have what was added before they were asked for.
    public func useForClients(_ subset: any Subset) {
        describe("\(type(of: subset))") { $0.nodePipeline.subsets.append(subset) }
    }

    /// Adds a policy that takes nodes out of the sight of the clients' balancers. Clients have what was added before they
    /// were asked for.
    public func useForClients(_ policy: any EjectionPolicy) {
        describe("\(type(of: policy))") { $0.nodePipeline.ejection.append(policy) }
    }

    /// Adds an observer of the calls that are made: it gets a report of each attempt. Clients have the observers that were
    /// added before the clients were asked for.
    public func observeCalls(_ observer: any CallObserver) {
        describe("\(type(of: observer))") { $0.nodePipeline.observers.append(observer) }
    }

    /// The steps between the registry and the node that a call goes to, beside the balancer.
    public var nodePipeline: NodePipeline { state.withLock(\.nodePipeline) }

    /// Adds a channel, by its snapshot, to ``snapshot()``, as a module does that makes channels for an App.
    public func addChannel(_ snapshot: @escaping @Sendable () -> ChannelSnapshot) {
        describe("channel") { $0.channels.append(snapshot) }
    }

    /// The parts of ``snapshot()``, which takes locks of its own outside of the App's.
    var snapshotSources: (runtime: AppRuntime?, channels: [@Sendable () -> ChannelSnapshot]) {
        state.withLock { ($0.runtime, $0.channels) }
    }

    /// The middleware around the calls that are served.
    public var serverMiddleware: MiddlewareChain { state.withLock(\.serverMiddleware) }

    /// The middleware around the calls that are made.
    public var clientMiddleware: MiddlewareChain { state.withLock(\.clientMiddleware) }

    private func useDefaultMiddleware() throws {
        // Outermost: calls that other middleware holds or refuses are load as well.
        use(LoadReporting(servedLoad, try store.replaceable(LoadReporting.Options.self, at: "server.load-reports")))
        let isServed: @Sendable (String) -> Bool = { [servedOperations] operation in
            servedOperations.value?.contains(operation) ?? true
        }
        let metrics = CallMetrics(try store.replaceable(CallMetrics.Options.self, at: "metrics"), isServed: isServed)
        // Outside of the limits: refused calls are measured.
        use(metrics)
        // Outside of traces and the log: a span and a line for each refused call would cost more than the refusal.
        let rateSection = "server.rate-limit"
        let rate = RateLimit(
            try store.replaceable(RateLimit.Options.self, at: rateSection), section: rateSection, logger: logger)
        use(rate)
        let timeouts = try store.replaceable(Deadlines.Options.self, at: "server.timeouts")
        use(
            ConcurrencyLimit(
                try store.replaceable(ConcurrencyLimit.Options.self, at: "server.limit"),
                timeouts: timeouts,
                logger: logger
            )
        )
        use(
            CircuitBreakers(
                try store.replaceable(CircuitBreaker.Options.self, at: "server.breaker"),
                logger: logger,
                isServed: isServed
            )
        )
        use(CallTracing(try store.replaceable(CallTracing.Options.self, at: "server.tracing"), isServed: isServed))
        use(CallLogging(logger: logger))
        use(ErrorMasking(logger: logger))
        use(MetadataPropagation())
        use(Deadlines(timeouts))
        use(FaultInjection(try store.replaceable(FaultInjection.Options.self, at: "server.faults"), logger: logger))
        // Behind the middleware of plugins, which finds out who calls.
        for extend in AppExtensions(plugins: plugins).all { try extend(self) }
        use(SubjectRateLimit(rate))
        use(Authorization(try store.replaceable(Authorization.Options.self, at: "server.authorization")))
        observeCalls(metrics)
        useForClients(metrics)
        useForClients(
            CallTracing(
                try store.replaceable(CallTracing.Options.self, at: "client.tracing"),
                ofService: { [store] service in
                    try store.replaceable(CallTracing.Options.self, at: "client.tracing", forClientsOf: service)
                }
            )
        )
        useForClients(CallLogging(logger: logger))
        useForClients(MetadataPropagation())
        useForClients(
            Deadlines(
                try store.replaceable(Deadlines.Options.self, at: "client.timeouts"),
                ofService: { [store] service in
                    try store.replaceable(Deadlines.Options.self, at: "client.timeouts", forClientsOf: service)
                }
            )
        )
        useForClients(
            FaultInjection(
                try store.replaceable(FaultInjection.Options.self, at: "client.faults"),
                logger: logger,
                ofService: { [store] service in
                    try store.replaceable(FaultInjection.Options.self, at: "client.faults", forClientsOf: service)
                }
            )
        )
    }

    // MARK: - Parts

    /// Adds a hook that runs before anything is started. A failure ends the start.
    public func beforeStart(_ hook: @escaping @Sendable () async throws -> Void) {
        add(hook, at: .beforeStart)
    }

    /// Adds a hook that runs when the servers are ready and the instance is registered. A failure ends the start.
    public func afterStart(_ hook: @escaping @Sendable () async throws -> Void) {
        add(hook, at: .afterStart)
    }

    /// Adds a hook that runs when the stop begins, while calls are still served; not when the before-start hooks failed.
    public func beforeStop(_ hook: @escaping @Sendable () async throws -> Void) {
        add(hook, at: .beforeStop)
    }

    /// Adds a hook that runs when everything has ended, in any case: also when the start failed.
    public func afterStop(_ hook: @escaping @Sendable () async throws -> Void) {
        add(hook, at: .afterStop)
    }

    private func add(_ hook: @escaping Hook, at moment: HookMoment) {
        describe("\(moment.rawValue) hook") { $0.parts.hooks[moment, default: []].append(hook) }
    }

    /// Adds a service of swift-service-lifecycle, such as a database client.
    ///
    /// The service starts before the servers. After they have drained it is shut down gracefully, the last service first. It
    /// may end when its work is done. A service that fails stops the App.
    public func add(_ service: any Service) {
        describe("\(type(of: service))") { $0.parts.services.append(service) }
    }

    /// Adds a server.
    public func add(server: any Server) {
        describe("\(server.name) server") { $0.parts.servers.append(server) }
    }

    /// Adds a server. It is made when the App starts, so that it has all middleware.
    public func addServer(_ make: @escaping @Sendable (App) throws -> any Server) {
        describe("server") { $0.serverFactories.append(make) }
    }

    /// Whether the App registers its instance.
    package var registers: Bool { registryOptions.registration != .none }

    /// Whether the App has been run: no part can be added any more.
    package var isSettled: Bool { state.withLock { $0.stage == .run } }

    /// Changes the parts of the App, which are settled once it runs.
    private func describe(_ part: String, _ change: (inout State) -> Void) {
        let isTooLate = state.withLock { state in
            if state.stage == .run { return true }
            change(&state)
            return false
        }
        if isTooLate { ignore(part) }
    }

    /// Logs that a part was added too late.
    package func ignore(_ part: String) {
        logger.error("ignored: it was added when the App ran already; add it before", metadata: ["part": "\(part)"])
    }

    /// The part of a type that a module keeps with the App. It is made when it is asked for first, and cannot ask for
    /// another.
    public func component<Component: Sendable>(
        _ type: Component.Type, _ make: () throws -> Component
    ) rethrows -> Component {
        try components.withLock { components in
            if let component = components[ObjectIdentifier(type)] as? Component { return component }
            let component = try make()
            components[ObjectIdentifier(type)] = component
            return component
        }
    }

    // MARK: - Life

    /// Runs the App, once, until it is shut down gracefully, cancelled, or something in it fails.
    ///
    /// Cancellation is a request to hurry: hooks are left out and calls in flight are cut, but the instance is still taken
    /// out of the registry.
    /// - Throws: The cause of the stop when it was a failure.
    public func run() async throws {
        try await makeLifecycle().run()
    }

    /// Makes the servers and drops them, so that they read their sections. A server that cannot be made has read what it can.
    func makeTrialServers() {
        for make in state.withLock(\.serverFactories) { _ = try? make(self) }
    }

    func makeLifecycle(clock: any Clock<Duration> = ContinuousClock()) throws -> Lifecycle {
        let factories = try state.withLock { state in
            guard state.stage == .described else {
                throw AppError("the App \(instance.name) has been run before; it runs once, make another")
            }
            state.stage = .assembled
            return state.serverFactories
        }
        do {
            for make in factories { add(server: try make(self)) }
            let parts = state.withLock { state in
                state.stage = .run
                return state.parts
            }
            var advertised: [String: AdvertisedAddress] = [:]
            for server in parts.servers { advertised[server.name] = try configuration.advertised(by: server.name) }
            try configuration.checkForUnknownKeys()
            let lifecycle = Lifecycle(of: self, parts, advertised: advertised, clock: clock)
            state.withLock { $0.runtime = lifecycle.runtime }
            return lifecycle
        } catch {
            // The App never starts: tasks that wait for its health or its registration wait no longer.
            registrationState.finish()
            health.finish(with: .stopped)
            throw error
        }
    }
}

extension ServiceInstance {
    /// The instance of an App, without endpoints. Throws `ConfigurationError`, with its place, when name or id is not valid.
    init(_ options: AppOptions, from configuration: Configuration) throws(ConfigurationError) {
        self.init(
            id: options.id ?? InstanceID.random(),
            name: options.name ?? ProcessEnvironment.programName,
            version: options.version,
            metadata: options.metadata
        )
        var key = "app.name"
        do throws(RegistryError) {
            try Self.validate(serviceName: name)
            key = "app.id"
            try validate()
        } catch {
            throw configuration.located(ConfigurationError(message: error.message), at: key)
        }
    }
}
