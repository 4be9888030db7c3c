import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// A registry whose etcd stands behind `etcd grpc-proxy`.
@Suite(.timeLimit(.minutes(5)), .serialized, .enabled(if: !EtcdVersions.installed.isEmpty))
struct GRPCProxyTests {
    private static func registry(_ proxy: EtcdProxy) throws -> EtcdRegistry {
        var options = EtcdRegistryOptions()
        options.endpoints = [proxy.endpoint]
        options.ttl = .seconds(30)
        options.requestTimeout = .seconds(30)
        return try EtcdRegistry(options, logger: LogRecorder().logger())
    }

    /// Waits until a service has these instances.
    private static func wait(_ registry: EtcdRegistry, _ service: String, for ids: Set<String>) async {
        for await snapshot in registry.watch(service)
        where snapshot.state.isLive && Set(snapshot.instances.map(\.id)) == ids { return }
    }

    @Test(arguments: EtcdVersions.installed)
    func addedAndRemovedInstancesAreSeen(_ binary: String) async throws {
        try await EtcdServer.withServer(EtcdVersions.options(binary)) { etcd in
            let proxy = try await etcd.startProxy()
            let (owner, reader) = (try Self.registry(proxy), try Self.registry(proxy))
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                for registry in [owner, reader] { group.addTask { await registry.run() } }
                // The second service gives the reader a watch with another number than the first.
                let discovery = Discovery(reader)
                var other = discovery.watch("other").makeAsyncIterator()
                var users = discovery.watch("user").makeAsyncIterator()
                func expect(_ ids: Set<String>) async throws {
                    while let snapshot = await users.next() {
                        if snapshot.state.isLive, Set(snapshot.instances.map(\.id)) == ids { return }
                    }
                    throw CancellationError()
                }
                _ = await other.next()
                let first = try await owner.registered(ServiceInstance(id: "a", name: "user"))
                try await expect(["a"])
                let second = try await owner.registered(ServiceInstance(id: "b", name: "user"))
                let third = try await owner.registered(ServiceInstance(id: "c", name: "user"))
                try await expect(["a", "b", "c"])
                await first.release()
                try await expect(["b", "c"])

                try await proxy.kill()
                try await proxy.start()
                await second.release()
                let fourth = try await owner.registered(ServiceInstance(id: "d", name: "user"))
                try await expect(["c", "d"])

                // Lost entries are put back.
                try await etcd.etcdctl("del", "/microservices/user/c")
                try await eventually { try await reader.instances(of: "user").contains { $0.id == "c" } }
                await Self.wait(reader, "user", for: ["c", "d"])
                for registration in [third, fourth] { await registration.release() }
                #expect(try await reader.instances(of: "user").isEmpty)
            }
        }
    }

    /// The proxy renews its own watches, and the watches of its clients go on.
    @Test(arguments: EtcdVersions.installed)
    func changesAfterARestartOfEtcdAreSeen(_ binary: String) async throws {
        try await EtcdServer.withServer(EtcdVersions.options(binary)) { etcd in
            let registry = try Self.registry(try await etcd.startProxy())
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { await registry.run() }
                let ids = Watched<Set<String>>([])
                group.addTask {
                    for await snapshot in registry.watch("user") { ids.set(Set(snapshot.instances.map(\.id))) }
                }
                let first = try await registry.registered(ServiceInstance(id: "a", name: "user"))
                _ = await ids.first { $0 == ["a"] }
                try await etcd.kill()
                try await etcd.start()
                try await etcd.waitUntilReady()
                let second = try await registry.registered(ServiceInstance(id: "b", name: "user"))
                _ = await ids.first { $0 == ["a", "b"] }
                await first.release()
                _ = await ids.first { $0 == ["b"] }
                await second.release()
            }
        }
    }

    /// The proxy does not tell its clients that etcd is away, so that no watch becomes stale.
    private static let checksOfStaleness: Set = [
        RegistryConformance.Check.awayAndBack, .updateWhileAway, .forgottenInstances,
    ]

    @Test(arguments: RegistryConformance.Check.allCases.filter { !checksOfStaleness.contains($0) })
    func conforms(_ check: RegistryConformance.Check) async throws {
        try await EtcdServer.withServer { etcd in
            let proxy = try await etcd.startProxy()
            try await EtcdConformanceTests.conformance(etcd, .kratos, endpoints: [proxy.endpoint]).run(check)
        }
    }
}
