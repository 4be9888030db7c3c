import EtcdClient
import Logging
import ServiceKit
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// The conformance suite of registries, on real etcds.
@Suite(.timeLimit(.minutes(5)), .serialized, .enabled(if: !EtcdVersions.installed.isEmpty))
struct EtcdConformanceTests {
    /// - Parameter endpoints: The addresses of etcd; by default those of its members.
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
            // Without a client nobody renews the lease, as after the end of a process.
            let task = Task { await registry.run() }
            // The registration is held until then, since a dropped one is removed.
            let registration = try await registry.registered(instance)
            return {
                task.cancel()
                await task.value
                await registration.release()
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
        let interrupt = { @Sendable (isForgotten: Bool) async throws -> RegistryConformance.Hooks.Action in
            try await etcd.kill()
            if isForgotten { try etcd.wipe() }
            return {
                try await etcd.start()
                try await etcd.waitUntilReady()
            }
        }
        hooks.interrupt = { _ in try await interrupt(false) }
        hooks.interruptAndForget = { _ in try await interrupt(true) }
        hooks.takeOver = { instance in
            let key = keys.key(instance.id, of: instance.name)
            try await etcd.etcdctl("put", key, String(decoding: try layout.encode(instance), as: UTF8.self))
            return { try await etcd.etcdctl("del", key) }
        }
        // These leases last on a busy machine. Only an instance that dies has a short one.
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
