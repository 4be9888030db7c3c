import ArgumentParser
import BenchmarkSupport
import EtcdClient
import GRPCCore
import ServiceKit
import ServiceKitEtcd
import ServiceKitGRPC

/// Registers one instance after the other, and measures the time until a channel can pick it. The channel follows the
/// service through another registry.
struct Seen: AsyncParsableCommand {
    @OptionGroup
    var etcd: EtcdOptions

    @Option(help: "The port of a gRPC server on 127.0.0.1. It is the endpoint of every instance.")
    var serverPort: Int

    @Option(help: "How many registrations to measure, after a warm-up of a tenth as many.")
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
        // Nobody would see an instance come before the channel knows the service, which has no instance yet.
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
            // So there is one instance at a time, and the next one finds no work left over.
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

/// For each instance that is seen now, the time when it was first seen.
final class Sightings: Sendable {
    /// `nil` before anything is known.
    private let seen = Watched<[String: ContinuousClock.Instant]?>(nil)

    /// Records the instances that are seen now.
    func update(_ ids: [String]) {
        let now = ContinuousClock.now
        self.seen.update { seen in
            let before = seen ?? [:]
            seen = Dictionary(ids.map { ($0, before[$0] ?? now) }) { first, _ in first }
        }
    }

    /// The time when an instance was first seen; waits until it is.
    func first(_ id: String) async throws -> ContinuousClock.Instant {
        guard let time = await self.seen.first(where: { $0?[id] != nil })??[id] else { throw CancellationError() }
        return time
    }

    /// Waits for the first answer of the registry.
    func untilKnown() async {
        _ = await self.seen.first { $0 != nil }
    }

    /// Waits until no instance is left.
    func untilGone() async {
        _ = await self.seen.first { $0?.isEmpty ?? false }
    }
}

/// Picks no node, and notes the nodes that it could pick: a channel tells its balancer of the nodes that it is
/// connected to.
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
