import BenchmarkSupport
import Logging
import ServiceKit
import ServiceKitGRPC
import Synchronization

/// A fleet that starts: `instances` instances register within a second, and one channel connects to all of them.
///
/// All instances are at one server, so that the channel is measured and not the machine's processes.
struct Fleet: Sendable {
    var instances: Int
    var port: Int

    private static let service = "benchmark"
    /// The pause between two batches of registrations.
    private static let interval = Duration.milliseconds(10)

    /// The CPU time of this process until the channel can call each instance.
    func run() async throws -> FleetReport {
        // A line for each registration would be measured too.
        let registry = MemoryRegistry(logger: Logger(label: "bench-client") { _ in SwiftLogNoOpLogHandler() })
        let balancer = CountingBalancer()
        var balancers = Balancers.embedded
        balancers.add("counting") { balancer }
        var options = ChannelOptions()
        options.balancer = "counting"
        let channel = try ServiceChannel(
            to: Self.service, discoverer: registry, options: options, balancers: balancers
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await channel.connect() }
            let usage = ProcessUsage.current
            let start = (cpu: try usage.cpuSeconds, time: ContinuousClock.now)
            var registrations: [any Registration] = []
            let step = max(1, self.instances / 100)
            for first in stride(from: 0, to: self.instances, by: step) {
                for number in first..<min(first + step, self.instances) {
                    registrations.append(try registry.register(self.instance(number)))
                }
                try await Task.sleep(until: start.time + Self.interval * (first / step + 1))
            }
            _ = await balancer.count.first { $0 == self.instances }
            let report = FleetReport(
                instances: self.instances,
                seconds: start.time.duration(to: .now) / .seconds(1),
                cpuSeconds: try usage.cpuSeconds - start.cpu
            )
            for registration in registrations { await registration.release() }
            channel.beginGracefulShutdown()
            return report
        }
    }

    private func instance(_ number: Int) -> ServiceInstance {
        let endpoint = Endpoint(scheme: "grpc", host: "127.0.0.1", port: self.port)
        return ServiceInstance(id: "instance-\(number)", name: Self.service, endpoints: [endpoint])
    }
}

/// The default balancer, which also tells how many nodes there are.
private final class CountingBalancer: Balancer {
    let count = Watched(0)
    private let base = PowerOfTwoChoices()

    func update(_ change: NodeChange) {
        self.base.update(change)
        self.count.update { $0 += change.added.count - change.removed.count }
    }

    func pick(for request: PickRequest) -> Node? {
        self.base.pick(for: request)
    }
}
