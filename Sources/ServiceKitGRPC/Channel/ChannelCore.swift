internal import GRPCNghttp2Transport
internal import Logging
package import ServiceKit
internal import ServiceKitConcurrency
private import ServiceKitConfig
private import Synchronization

/// A channel to a service, without the protocol that its calls speak: it finds the instances, holds a connection to each,
/// and has everything that all calls share.
package final class ChannelCore<Connection: NodeConnection>: Sendable {
    /// The service's name.
    package let service: String
    /// The channel's target, as middleware sees it: `discovery:///user-service`.
    package let target: String
    package let pool: NodePool<Connection>
    package let middleware: MiddlewareChain
    package let retryBudget: RetryBudget
    package let breakers: CircuitBreakers
    private let outliers: OutlierEjection
    private let discoverer: any Discoverer
    private let ownedRegistry: (any Registry)?
    /// The instance that the channel belongs to, if that registers.
    private let owner: ServiceInstance?
    /// The zone of the App that has the channel.
    private let appZone: String?
    /// The program's own subsets, as they are before the first instance.
    private let subsets: [any Subset]
    /// Connections that are to be run.
    private let connections = AsyncStream.makeStream(of: Connection.self)
    private let isClosing = Watched(false)
    /// The client's place among its peers.
    private struct Positions: Hashable {
        var all: SubsetPosition
        /// Among the peers of its zone.
        var inZone: SubsetPosition
    }

    /// The client's place, once it is known. Its lock keeps changes of the subsets in their order.
    private let position = Mutex<Positions?>(nil)
    private let hasPosition = Signal()
    /// Raised when the client needs its place.
    private let needsPosition = Signal()
    private let latest: Mutex<ChannelOptions>
    private let latestBuffer: Atomic<Int>
    /// Whether calls keep to lanes.
    private let hasLanes: Atomic<Bool>
    private let latestHasHedging: Atomic<Bool>
    private let logger: Logger

    /// - Parameters:
    ///   - setup: The parts of the channel.
    ///   - choice: The endpoints to connect to.
    ///   - makeConnection: Makes the connection to an endpoint.
    /// - Throws: `ConfigurationError` when the balancer is not known.
    package init(
        _ setup: ChannelSetup, choice: EndpointChoice, makeConnection: @escaping NodePool<Connection>.MakeConnection
    ) throws {
        let options = setup.options
        service = setup.service
        target = setup.target
        logger = setup.logger
        middleware = setup.middleware
        discoverer = setup.discoverer
        ownedRegistry = setup.ownedRegistry
        owner = setup.app.flatMap { $0.registers ? $0.instance : nil }
        appZone = setup.app?.instance.zone
        subsets = setup.pipeline.subsets
        outliers = OutlierEjection(options.outlierEjection)
        retryBudget = setup.retryBudget()
        breakers = CircuitBreakers(options.breaker, service: service, logger: logger)
        latest = Mutex(options)
        latestBuffer = Atomic(options.retry.buffer.bytes)
        hasLanes = Atomic(options.lanes.enabled)
        latestHasHedging = Atomic(options.retry.hasHedging)
        var pipeline = setup.pipeline
        pipeline.subsets = [InstanceFilter(options.filter)] + subsets
        pipeline.ejection.insert(outliers, at: 0)
        let balancers = try setup.balancers.makeAll(
            options.balancer, lanes: options.lanes, configuration: setup.configuration)
        pool = NodePool(
            balancer: PriorityBalancer(balancers), pipeline: pipeline, choice: choice, makeConnection: makeConnection)
        pool.setSlowStart(options.slowStart)
        pool.setZones(ZonePreference(options.zones, appZone: appZone))
        if let app = setup.app { follow(app) }
    }

    // MARK: - Running

    /// Finds instances and holds connections, until the channel is shut down and the last connection has ended.
    ///
    /// - Parameter runConnection: Runs a connection to its end.
    package func run(_ runConnection: @escaping @Sendable (Connection) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.discover()
                self.pool.close()
                self.connections.continuation.finish()
            }
            for await connection in connections.stream {
                group.addTask {
                    await runConnection(connection)
                    self.pool.connectionEnded(connection)
                }
            }
        }
    }

    /// Takes no more calls, and lets those in flight end.
    package func beginGracefulShutdown() {
        isClosing.set(true)
    }

    /// The channel's present state: the registry's instances, the nodes with their statistics, the calls that wait.
    package func snapshot() -> ChannelSnapshot { pool.snapshot(of: service, breakers) }

    /// Follows the service until the channel is shut down.
    private func discover() async {
        await withTaskGroup(of: Void.self) { group in
            if let ownedRegistry {
                group.addTask { await ownedRegistry.run() }
            }
            group.addTask {
                for await snapshot in self.discoverer.watch(self.service) {
                    self.log(snapshot)
                    if self.owner != nil { await self.prepare(for: snapshot) }
                    for connection in self.pool.apply(snapshot) {
                        self.connections.continuation.yield(connection)
                    }
                }
            }
            if let owner {
                group.addTask { await self.followPeers(of: owner) }
            }
            _ = await isClosing.first(where: \.self)
            group.cancelAll()
        }
    }

    /// Follows the channel's place among the instances of its own service, once the place is needed.
    private func followPeers(of owner: ServiceInstance) async {
        await needsPosition.wait()
        for await snapshot in discoverer.watch(owner.name) where !snapshot.instances.isEmpty || snapshot.state.isLive {
            setPosition(
                Positions(
                    all: SubsetPosition(of: owner.id, among: snapshot.instances),
                    inZone: SubsetPosition(of: owner.id, among: snapshot.instances, inZone: owner.zone)
                )
            )
            // A fleet that starts moves all places: many moves count as one.
            guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
        }
    }

    private func log(_ snapshot: DiscoverySnapshot) {
        switch snapshot.state {
        case .live:
            logger.debug("instances", metadata: ["service": "\(service)", "ids": "\(snapshot.instances)"])
        case .stale(_, let cause):
            logger.warning(
                "the registry is away; the instances known last are called",
                metadata: ["service": "\(service)", "known": "\(snapshot.instances.count)", "cause": "\(cause)"]
            )
        }
    }

    // MARK: - Subsets

    /// Waits for the client's place if a snapshot has more instances than the client connects to; a second at most.
    private func prepare(for snapshot: DiscoverySnapshot) async {
        guard let size = options.subset.size, pool.keySource == .none, snapshot.instances.count > size,
            position.withLock({ $0 == nil })
        else { return }
        needsPosition.raise()
        _ = try? await withTimeLimit(.seconds(1)) { [hasPosition] in await hasPosition.wait() }
    }

    /// Takes the client's place among its peers.
    private func setPosition(_ next: Positions) {
        position.withLock { position in
            if position == next { return }
            position = next
            choose(at: next)
        }
        hasPosition.raise()
    }

    private func choose(at position: Positions?) {
        for connection in pool.setSubsets(steps(position)) { connections.continuation.yield(connection) }
    }

    /// The steps that choose the instances to connect to.
    private func steps(_ position: Positions?) -> [any Subset] {
        let options = options
        let steps = [InstanceFilter(options.filter)] + subsets
        // Clients with other nodes would send a key to another node.
        guard let size = options.subset.size, let position, pool.keySource == .none else { return steps }
        let zone = ZonePreference(options.zones, appZone: appZone).zone
        let subset = PartedSubset(
            size: size,
            position: zone == nil ? position.all : position.inZone,
            zone: zone,
            laneLabel: options.lanes.enabled ? options.lanes.label : nil
        )
        return steps + [subset]
    }

    // MARK: - Options

    /// The options in force. They take a lock: calls that wait or have failed read them.
    package var options: ChannelOptions { latest.withLock(\.self) }

    /// How much of a request is kept to be sent again, in bytes. Each call reads it, without a lock.
    package var retryBuffer: Int { latestBuffer.load(ordering: .relaxed) }

    /// Whether any method has hedging. Calls that wait for an answer read it, without a lock.
    var hasHedging: Bool { latestHasHedging.load(ordering: .relaxed) }

    /// The header that names the lane of a call; `nil` if calls keep to no lanes. Each call reads it, then without a lock.
    package var laneHeader: String? { hasLanes.load(ordering: .relaxed) ? options.lanes.header.lowercased() : nil }

    /// Follows changes of an App's configuration.
    private func follow(_ app: App) {
        let sections = ConfigurationSections(plugins: app.plugins + [.grpc])
        app.follow(ChannelOptions.livePaths) { [self, balancers = app.balancers] next, earlier in
            try sections.checkClients(next)
            let client = next.client(of: service)
            let options = try ChannelOptions(client)
            let made = try balancers.makeAll(
                options.balancer,
                lanes: options.lanes,
                after: (self.options.balancer, self.options.lanes),
                configuration: client,
                earlier: earlier.client(of: service)
            )
            return { self.follow(options, made) }
        }
    }

    /// Takes over the options that a running channel can change, ``ChannelOptions/livePaths``.
    ///
    /// - Parameters:
    ///   - next: The options.
    ///   - balancers: The balancers if they are to be replaced.
    private func follow(_ next: ChannelOptions, _ balancers: PerPriority<any Balancer>?) {
        let last = self.options
        latest.withLock { options in
            options.balancer = next.balancer
            options.readyTimeout = next.readyTimeout
            options.settleTimeout = next.settleTimeout
            options.retry = next.retry
            options.outlierEjection = next.outlierEjection
            options.breaker = next.breaker
            options.slowStart = next.slowStart
            options.zones = next.zones
            options.lanes = next.lanes
            options.filter = next.filter
            options.subset = next.subset
        }
        outliers.setOptions(next.outlierEjection)
        breakers.setOptions(next.breaker)
        hasLanes.store(next.lanes.enabled, ordering: .relaxed)
        latestHasHedging.store(next.retry.hasHedging, ordering: .relaxed)
        latestBuffer.store(next.retry.buffer.bytes, ordering: .relaxed)
        retryBudget.resize(burst: next.retry.burst)
        pool.setSlowStart(next.slowStart)
        if next.zones != last.zones { pool.setZones(ZonePreference(next.zones, appZone: appZone)) }
        if let balancers { pool.replaceBalancers(with: balancers) }
        let isChosenAnew =
            next.filter != last.filter || next.subset != last.subset || next.zones != last.zones
            || next.lanes != last.lanes || balancers != nil
        if isChosenAnew {
            if next.subset.size != nil { needsPosition.raise() }
            position.withLock { choose(at: $0) }
        }
    }
}
