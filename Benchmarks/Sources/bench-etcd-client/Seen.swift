import ArgumentParser
import BenchmarkSupport
import EtcdClient
import GRPCCore
import ServiceKit
import ServiceKitEtcd
import ServiceKitGRPC

/// Registers one instance after the other: how long until a channel that follows the service through another registry
/// can pick it.
struct Seen: AsyncParsableCommand {
    @OptionGroup
    var etcd: EtcdOptions

    @Option(help: "The port of a gRPC server on 127.0.0.1, which the instances are said to be.")
    var serverPort: Int

    @Option(help: "How many registrations to measure; a tenth as many are made before.")
    var registrations: Int

    func run() async throws {
        exitAtEndOfStandardInput()
        try await self.etcd.withRegistry { registrar in
            try await self.etcd.withRegistry { registry in
                let discovery = Discovery(registry)
                let pickable = Sightings()
                var options = ChannelOptions()
                options.balancer = "sightings"
                var balancers = Balancers.embedded
                balancers.add(options.balancer) { SightingBalancer(pickable) }
                let channel = try ServiceChannel(
                    to: BenchmarkInstance.service,
                    discoverer: discovery,
                    options: options,
                    balancers: balancers
                )
                let found = Sightings()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await channel.connect() }
                    group.addTask {
                        for await snapshot in discovery.watch(BenchmarkInstance.service) {
                            found.update(snapshot.instances.map(\.id))
                        }
                    }
                    defer { group.cancelAll() }
                    try await self.measure(registrar, found, pickable)
                }
            }
        }
    }

    private func measure(_ registrar: EtcdRegistry, _ found: Sightings, _ pickable: Sightings) async throws {
        // Until the service is known, which has no instance, nobody would see one come.
        await found.untilKnown()
        var times = (found: Latencies(), pickable: Latencies())
        var pace = Pace()
        for number in -self.registrations / 10..<self.registrations {
            var instance = ServiceInstance(BenchmarkInstance(number: number + self.registrations))
            instance.endpoints = [
                Endpoint(scheme: "grpc", host: "127.0.0.1", port: self.serverPort),
                Endpoint(scheme: "http", host: "127.0.0.1", port: self.serverPort),
            ]
            let start = try await pace.next()
            let registration = try registrar.register(instance)
            let foundTime = try await found.first(instance.id)
            let pickableTime = try await pickable.first(instance.id)
            if number >= 0 {
                times.found.record(start.duration(to: foundTime))
                times.pickable.record(start.duration(to: pickableTime))
            }
            // So that there is one instance at a time, and the next one finds nothing to be done any more.
            try await registration.deregister()
            await registration.release()
            await found.untilGone()
            await pickable.untilGone()
        }
        try report(
            SeenReport(
                p50Microseconds: times.pickable.microseconds(50),
                p99Microseconds: times.pickable.microseconds(99),
                snapshotP50Microseconds: times.found.microseconds(50),
                snapshotP99Microseconds: times.found.microseconds(99)
            )
        )
    }
}

/// When instances were first seen, of those that are seen now.
final class Sightings: Sendable {
    /// `nil` before anything is known.
    private let seen = Watched<[String: ContinuousClock.Instant]?>(nil)

    /// These are seen now.
    func update(_ ids: [String]) {
        let now = ContinuousClock.now
        self.seen.update { seen in
            let before = seen ?? [:]
            seen = Dictionary(ids.map { ($0, before[$0] ?? now) }) { first, _ in first }
        }
    }

    /// When one was first seen; waits until it is.
    func first(_ id: String) async throws -> ContinuousClock.Instant {
        guard let time = await self.seen.first(where: { $0?[id] != nil })??[id] else { throw CancellationError() }
        return time
    }

    /// Waits until it is known what is there.
    func untilKnown() async {
        _ = await self.seen.first { $0 != nil }
    }

    /// Waits until nothing is there.
    func untilGone() async {
        _ = await self.seen.first { $0?.isEmpty ?? false }
    }
}

/// Picks nothing, and notes what it could pick: a channel tells its balancer of the nodes that it has a connection to.
private struct SightingBalancer: Balancer {
    private let sightings: Sightings
    private let nodes = Watched(NodeList())

    init(_ sightings: Sightings) {
        self.sightings = sightings
    }

    func update(_ change: NodeChange) {
        self.nodes.update { $0.apply(change) }
        self.sightings.update(self.nodes.value.map(\.instance.id))
    }

    func pick(for request: PickRequest) -> Node? { nil }
}
