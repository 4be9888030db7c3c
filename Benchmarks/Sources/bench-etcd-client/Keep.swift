import ArgumentParser
import BenchmarkSupport
import EtcdClient
import GRPCNghttp2Transport
import Logging
import ServiceKit
import ServiceKitEtcd
import Synchronization

/// Keeps many instances registered, and counts the streams that renew their leases.
struct Keep: AsyncParsableCommand {
    @OptionGroup
    var etcd: EtcdOptions

    @Option(help: "How many instances to register.")
    var registrations: Int

    /// How long a lease lives that is not renewed. It is shorter than the default, so that all leases are renewed soon.
    private static let ttl = Duration.seconds(6)

    func run() async throws {
        exitAtEndOfStandardInput()
        let streams = StreamCount(of: "LeaseKeepAlive")
        let config = try EtcdConfig(endpoints: [self.etcd.endpoint])
        let client = try EtcdClient(config) { endpoint in
            CountingTransport(
                base: Nghttp2ClientTransport(target: .ipv4(host: endpoint.host, port: endpoint.port)),
                count: streams
            )
        }
        let registry = EtcdRegistry(client, ttl: Self.ttl, logger: .onlyWarnings)
        try await withRunning(registry.run) {
            let start = ContinuousClock.now
            let registrations = try await self.register(in: registry)
            let seconds = start.duration(to: .now) / .seconds(1)
            // After this time every lease has been renewed, or is gone.
            try await Task.sleep(for: Self.ttl + .seconds(1))
            guard registrations.allSatisfy({ $0.state.value == .registered }) else {
                throw WrongAnswer(description: "registrations were lost")
            }
            try await registry.instances(of: BenchmarkInstance.service)
                .check(BenchmarkInstance.all(self.registrations))
            // A registration that is dropped takes its instance out, and the array's last use is the end of its lifetime.
            withExtendedLifetime(registrations) {}
            try report(KeepReport(streams: streams.value, registeringSeconds: seconds))
        }
    }

    /// Registers all instances, 64 at a time.
    private func register(in registry: EtcdRegistry) async throws -> [any Registration] {
        try await withThrowingTaskGroup(of: (any Registration).self) { group in
            var registrations: [any Registration] = []
            for (index, instance) in BenchmarkInstance.all(self.registrations).enumerated() {
                if index >= 64, let registration = try await group.next() { registrations.append(registration) }
                group.addTask {
                    let registration = try registry.register(ServiceInstance(instance))
                    try await registration.waitUntilRegistered()
                    return registration
                }
            }
            for try await registration in group { registrations.append(registration) }
            return registrations
        }
    }
}
