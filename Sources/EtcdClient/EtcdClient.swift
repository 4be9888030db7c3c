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
/// A client that is not used by ``withClient(_:logger:_:)`` does its work while ``run()`` runs: what is called before
/// waits for it, within its time limit.
///
/// It talks to one of the members, and to another one when that one is gone, hangs, or has lost touch with the rest.
/// What can safely be tried again is, until ``EtcdConfig/requestTimeout`` is over.
public final class EtcdClient: Sendable {
    let calls: Calls
    let namespace: Namespace
    let keeper: LeaseKeeper
    let hub: WatchHub

    private let config: EtcdConfig
    private let members: Members
    private let shutdownRequested = Promise<Void>()

    /// The members that it talks to.
    public var endpoints: [EtcdEndpoint] { config.endpoints }

    /// How many watches there are.
    package var watchCount: Int { hub.count }

    /// Creates a client on HTTP/2 by libnghttp2; it does nothing before ``run()``.
    ///
    /// - Parameters:
    ///   - config: How to reach etcd.
    ///   - logger: Gets a line for each connection made or lost, at debug level.
    /// - Throws: ``EtcdError`` with code ``EtcdError/Code/invalidArgument`` if the configuration makes no sense.
    public convenience init(
        _ config: EtcdConfig,
        logger: Logger = Logger(label: "etcd")
    ) throws(EtcdError) {
        try self.init(config, logger: logger) { endpoint in
            Nghttp2ClientTransport(
                target: endpoint.address,
                transportSecurity: endpoint.isSecure ? config.transportSecurity : .plaintext,
                config: config.transportConfig(),
                logger: logger
            )
        }
    }

    /// Creates a client on any transport; it does nothing before ``run()``.
    ///
    /// - Parameters:
    ///   - config: How to reach etcd. What it says about connections is for `makeTransport` to heed.
    ///   - logger: Gets a line for each stream lost, at debug level.
    ///   - makeTransport: Makes the transport to a member.
    /// - Throws: ``EtcdError`` with code ``EtcdError/Code/invalidArgument`` if the configuration makes no sense.
    public convenience init<Transport: ClientTransport>(
        _ config: EtcdConfig,
        logger: Logger = Logger(label: "etcd"),
        makeTransport: (EtcdEndpoint) -> Transport
    ) throws(EtcdError) {
        try self.init(config, logger: logger, first: nil, makeTransport: makeTransport)
    }

    /// - Parameter first: The index of the endpoint that is used at first; by default one is drawn.
    init<Transport: ClientTransport>(
        _ config: EtcdConfig,
        logger: Logger,
        first: Int?,
        makeTransport: (EtcdEndpoint) -> Transport
    ) throws(EtcdError) {
        try config.validate()
        self.config = config
        members = Members(
            config.endpoints.map { Member(endpoint: $0, caller: GRPCCaller(transport: makeTransport($0))) },
            // So that the clients of a cluster spread over its members.
            first: first ?? Int.random(in: config.endpoints.indices)
        )
        calls = Calls(members, config, logger: logger)
        namespace = Namespace(config.namespace)
        keeper = LeaseKeeper(calls, maxBackoff: config.maxBackoff)
        hub = WatchHub(calls, namespace, config)
    }

    /// Creates a client, runs it as long as a body, and returns what the body does.
    ///
    /// - Throws: ``EtcdError`` if the configuration makes no sense; what the body throws.
    public static func withClient<Result: Sendable>(
        _ config: EtcdConfig,
        logger: Logger = Logger(label: "etcd"),
        _ body: @Sendable (EtcdClient) async throws -> Result
    ) async throws -> Result {
        let client = try EtcdClient(config, logger: logger)
        // Unstructured, since the body may have something to tell etcd when its task is cancelled: that a session is over,
        // say. It ends with the body.
        let running = Task { await client.run() }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(client))
        } catch {
            outcome = .failure(error)
        }
        client.shutdown()
        await running.value
        return try outcome.get()
    }

    /// Keeps connections, watches and leases until the task is cancelled or ``shutdown()`` was called.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            for member in members.all {
                group.addTask { try? await member.caller.run() }
            }
            group.addTask { await self.hub.run() }
            group.addTask { await self.keeper.run() }
            // Waits for the request, or the task's cancellation.
            try? await shutdownRequested.value()
            calls.close()
            for member in members.all { member.caller.shutdown() }
            group.cancelAll()
        }
    }

    /// Ends ``run()``: watches and renewals end with `closed`, and so do calls.
    public func shutdown() {
        calls.close()
        shutdownRequested.resolve(.success(()))
    }
}
