import EtcdClient
import Logging
import ServiceKit
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// The suite that every registry passes, on real etcds.
@Suite(.timeLimit(.minutes(5)), .serialized, .enabled(if: !EtcdVersions.installed.isEmpty))
struct EtcdConformanceTests {
    /// - Parameter endpoints: Where etcd is reached; by default where its members listen.
    static func conformance(
        _ etcd: EtcdServer,
        _ layout: EtcdLayout,
        endpoints: [String]? = nil
    ) -> RegistryConformance {
        let makeRegistry = { @Sendable (ttl: Duration) throws -> EtcdRegistry in
            var options = EtcdRegistryOptions()
            options.endpoints = endpoints ?? etcd.endpoints
            options.layout = layout
            options.ttl = ttl
            options.requestTimeout = .seconds(30)
            return try EtcdRegistry(options, logger: LogRecorder().logger())
        }
        let keys = InstanceKeys(namespace: layout.defaultNamespace)
        var hooks = RegistryConformance.Hooks()
        hooks.mortalOwner = { instance in
            let registry = try makeRegistry(.seconds(5))
            // Without a client nobody renews the lease, as when the process is gone.
            let task = Task { await registry.run() }
            _ = try await registry.register(instance)
            return {
                task.cancel()
                await task.value
            }
        }
        hooks.plantGarbage = { service in
            for (id, value) in [("torn", "{\"id\":\"torn\",\"na"), ("text", "no JSON"), ("empty", ""), ("a/b", "{}")] {
                try await etcd.etcdctl("put", keys.key(id, of: service), value)
            }
        }
        hooks.waitUntilIdle = { registry in
            while let registry = registry as? EtcdRegistry, registry.watchCount > 0 { await Task.yield() }
        }
        hooks.interrupt = { _ in
            try await etcd.kill()
            return {
                try await etcd.start()
                try await etcd.waitUntilReady()
            }
        }
        // Leases that are not lost when the machine is busy; only who dies has a short one.
        return RegistryConformance(name: "etcd", timeout: .seconds(60), hooks: hooks) { try makeRegistry(.seconds(30)) }
    }

    @Test(arguments: EtcdVersions.installed, RegistryConformance.Check.allCases)
    func conforms(_ binary: String, _ check: RegistryConformance.Check) async throws {
        try await EtcdServer.withServer(EtcdVersions.options(binary)) { etcd in
            try await Self.conformance(etcd, .kratos).run(check)
        }
    }

    @Test(
        arguments: [EtcdLayout.grpcNaming, .hostPort],
        [
            RegistryConformance.Check.roundTrip, .updateInPlace, .likeNamesApart, .unreadableIsSkipped,
            .servicesAreNamed, .operatorsLabels, .offlineAndBack,
        ]
    )
    func otherLayoutsConform(_ layout: EtcdLayout, _ check: RegistryConformance.Check) async throws {
        try await EtcdServer.withServer { etcd in
            try await Self.conformance(etcd, layout).run(check)
        }
    }
}
