import ServiceKit
import ServiceKitConfig
import ServiceKitTesting
import Testing

private let registry = MemoryRegistry()
private let conformance = RegistryConformance(name: "mine") { registry }

/// The examples of the guide of `ServiceKitTesting`.
@Suite(.timeLimit(.minutes(1)))
struct TestingGuideTests {
    @Test(arguments: conformance.checks)
    func conforms(to check: RegistryConformance.Check) async throws {
        try await conformance.run(check)
    }

    @Test func appServes() async throws {
        let app = try App(configuration: Configuration(yaml: "registry: {backend: memory}"))
        try await withRunning(app) {
            #expect(app.health.value == .serving)
        }
    }

    @Test(.enabled(if: EtcdServer.isAvailable()))
    func etcdRestarts() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "greeting", "hello")
            try await etcd.kill()
            try await etcd.start()
            try await etcd.waitUntilReady()
        }
    }
}
