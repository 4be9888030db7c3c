public import GRPCCore
internal import GRPCNghttp2Transport
public import Logging
private import ServiceKitConcurrency
private import Synchronization

/// A client of etcd, versions 3.4 and later.
///
/// ```swift
/// try await EtcdClient.withClient(EtcdConfig(endpoints: ["http://127.0.0.1:2379"])) { client in
///     try await client.put("greeting", "hello")
///     print(try await client.get("greeting")?.valueText ?? "nothing")
/// }
/// ```
///
/// The client works while ``run()`` runs; ``withClient(_:logger:_:)`` runs it for you. A call that is made before
/// ``run()`` waits for it, within the call's time limit.
///
/// The client talks to one member. It moves to another member when that member is gone, hangs, or has lost touch with
/// the rest. The client repeats a failed call, if that is safe, until ``EtcdConfig/requestTimeout`` is over.
public final class EtcdClient: Sendable {
    let calls: Calls
    let namespace: Namespace
    let keeper: LeaseKeeper
    let hub: WatchHub

    private let config: EtcdConfig
    private let members: Members
    private let shutdownRequested = Promise<Void>()

    /// The members that the client may use.
    public var endpoints: [EtcdEndpoint] { config.endpoints }

    package var watchCount: Int { hub.count }

    /// Creates a client on HTTP/2 by libnghttp2, which does nothing before ``run()``. The logger gets a line for each
    /// connection made or lost, at debug level.
    ///
    /// - Throws: `invalidArgument` if the configuration makes no sense.
    public convenience init(_ config: EtcdConfig, logger: Logger = Logger(label: "etcd")) throws(EtcdError) {
        try self.init(config, logger: logger) { config.transport(to: $0, logger: logger) }
    }

    /// Creates a client on any transport, which does nothing before ``run()``. `makeTransport` makes the transport to a
    /// member, and has to apply the settings for connections. The logger gets a line for each stream lost, at debug
    /// level.
    ///
    /// - Throws: `invalidArgument` if the configuration makes no sense.
    public convenience init<Transport: ClientTransport>(
        _ config: EtcdConfig,
        logger: Logger = Logger(label: "etcd"),
        makeTransport: (EtcdEndpoint) -> Transport
    ) throws(EtcdError) {
        try self.init(config, logger: logger, first: nil) { GRPCCaller(transport: makeTransport($0)) }
    }

    /// `first` is the index of the endpoint to use first. Default: a random one.
    init(
        _ config: EtcdConfig,
        logger: Logger,
        first: Int?,
        makeCaller: (EtcdEndpoint) -> any Caller
    ) throws(EtcdError) {
        try config.validate()
        self.config = config
        members = Members(
            config.endpoints.map { Member(endpoint: $0, caller: makeCaller($0)) },
            // A random start spreads the clients over the cluster's members.
            first: first ?? Int.random(in: config.endpoints.indices)
        )
        calls = Calls(members, config, logger: logger)
        namespace = Namespace(config.namespace)
        keeper = LeaseKeeper(calls, maxBackoff: config.maxBackoff)
        hub = WatchHub(calls, namespace, config)
    }

    /// Creates a client, runs it while a body runs, and returns the body's result.
    ///
    /// - Throws: ``EtcdError`` if the configuration makes no sense; any error of the body.
    public static func withClient<Result: Sendable>(
        _ config: EtcdConfig,
        logger: Logger = Logger(label: "etcd"),
        _ body: @Sendable (EtcdClient) async throws -> Result
    ) async throws -> Result {
        let client = try EtcdClient(config, logger: logger)
        // The task is unstructured, since the body may still talk to etcd after its own task is cancelled: to end a
        // session, for example. The task ends with the body.
        let running = Task { await client.run() }
        let outcome = await Swift.Result<Result, any Error>(catching: { try await body(client) })
        client.shutdown()
        await running.value
        return try outcome.get()
    }

    /// Keeps connections, watches and leases until the task is cancelled or ``shutdown()`` is called.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            for member in members.all { group.addTask { try? await member.caller.run() } }
            group.addTask { await self.hub.run() }
            group.addTask { await self.keeper.run() }
            // Waits for the request, or for the task's cancellation.
            try? await shutdownRequested.value()
            calls.close()
            for member in members.all { member.caller.shutdown() }
            group.cancelAll()
        }
    }

    /// Ends ``run()``: watches, renewals and calls end with `closed`.
    public func shutdown() {
        calls.close()
        shutdownRequested.resolve(.success(()))
    }
}
