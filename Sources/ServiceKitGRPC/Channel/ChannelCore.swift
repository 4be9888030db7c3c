internal import GRPCCore
internal import GRPCNghttp2Transport
internal import Logging
internal import ServiceKit
internal import ServiceKitConcurrency
private import ServiceKitConfig
private import Synchronization

/// The parts that all calls of a channel share.
final class ChannelCore: Sendable {
    /// The service's name.
    let service: String
    /// The channel's target, as middleware sees it: `discovery:///user-service`.
    let target: String
    let pool: NodePool
    let middleware: MiddlewareChain
    let retryBudget: RetryBudget
    let breakers: CircuitBreakers
    private let outliers: OutlierEjection
    /// The zone of the App that has the channel.
    private let appZone: String?
    /// The program's own subsets, as they are before the first instance.
    private let subsets: [any Subset]
    /// Connections that are to be run.
    let connections = AsyncStream.makeStream(of: ClientConnection.self)
    /// The client's place among its peers, once it is known. Its lock keeps changes of the subsets in their order.
    private let position = Mutex<SubsetPosition?>(nil)
    private let hasPosition = Signal()
    /// Raised when the client needs its place.
    let needsPosition = Signal()
    private let latest: Mutex<ChannelOptions>
    private let latestBuffer: Atomic<Int>
    /// Whether calls keep to lanes.
    private let hasLanes: Atomic<Bool>
    private let latestHasHedging: Atomic<Bool>

    init(
        service: String,
        target: String,
        options: ChannelOptions,
        pool: NodePool,
        outliers: OutlierEjection,
        subsets: [any Subset] = [],
        appZone: String? = nil,
        middleware: MiddlewareChain,
        retryBudget: RetryBudget,
        logger: Logger
    ) {
        self.appZone = appZone
        self.subsets = subsets
        self.outliers = outliers
        self.service = service
        self.target = target
        self.pool = pool
        self.middleware = middleware
        self.retryBudget = retryBudget
        breakers = CircuitBreakers(options.breaker, service: service, logger: logger)
        latest = Mutex(options)
        latestBuffer = Atomic(options.retry.buffer.bytes)
        hasLanes = Atomic(options.lanes.enabled)
        latestHasHedging = Atomic(options.retry.hasHedging)
    }

    // MARK: - Subsets

    /// Waits for the client's place if a snapshot has more instances than the client connects to; a second at most.
    func prepare(for snapshot: DiscoverySnapshot) async {
        guard let size = options.subset.size, snapshot.instances.count > size, position.withLock({ $0 == nil }) else {
            return
        }
        needsPosition.raise()
        _ = try? await withTimeLimit(.seconds(1)) { [hasPosition] in await hasPosition.wait() }
    }

    /// Takes the client's place among its peers.
    func setPosition(_ next: SubsetPosition) {
        position.withLock { position in
            if position == next { return }
            position = next
            choose(at: next)
        }
        hasPosition.raise()
    }

    private func choose(at position: SubsetPosition?) {
        let options = options
        for connection in pool.setSubsets(Self.steps(options, subsets, position)) {
            connections.continuation.yield(connection)
        }
    }

    /// The steps that choose the instances to connect to.
    static func steps(
        _ options: ChannelOptions, _ subsets: [any Subset], _ position: SubsetPosition? = nil
    ) -> [any Subset] {
        var steps = [InstanceFilter(options.filter)] + subsets
        if let size = options.subset.size, let position {
            steps.append(DeterministicSubset(size: size, position: position))
        }
        return steps
    }

    // MARK: - Options

    /// The options in force. They take a lock: calls that wait or have failed read them.
    var options: ChannelOptions { latest.withLock(\.self) }

    /// How much of a request is kept to be sent again, in bytes. Each call reads it, without a lock.
    var retryBuffer: Int { latestBuffer.load(ordering: .relaxed) }

    /// Whether any method has hedging. Calls that wait for an answer read it, without a lock.
    var hasHedging: Bool { latestHasHedging.load(ordering: .relaxed) }

    /// The header that names the lane of a call; `nil` if calls keep to no lanes. Each call reads it, then without a lock.
    var laneHeader: String? { hasLanes.load(ordering: .relaxed) ? options.lanes.header.lowercased() : nil }

    /// Takes over the options that a running channel can change, ``ChannelOptions/livePaths``.
    ///
    /// - Parameters:
    ///   - next: The options.
    ///   - balancers: The balancers if they are to be replaced.
    func follow(_ next: ChannelOptions, _ balancers: PerPriority<any Balancer>?) {
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
        if next.filter != last.filter || next.subset != last.subset {
            if next.subset.size != nil { needsPosition.raise() }
            position.withLock { choose(at: $0) }
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
    }
}
