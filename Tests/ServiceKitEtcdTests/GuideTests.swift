import ServiceKit
import ServiceKitEtcd
import ServiceKitTesting
import Testing

/// The examples of the guide.
@Suite(.timeLimit(.minutes(3)), .enabled(if: EtcdServer.isAvailable()))
struct GuideTests {
    // Compiled, and not run: it reads the command line.
    private func runInAnApp() async {
        await App.run(plugins: [.etcd]) { app in
        }
    }

    // Compiled, and not run: it has no end.
    private func follow() async throws {
        let registry = try EtcdRegistry(EtcdRegistryOptions())
        for await snapshot in registry.watch("user") { print(snapshot.instances) }
    }

    @Test func exampleWithoutAnAppWorks() async throws {
        try await EtcdServer.withServer { etcd in
            var options = EtcdRegistryOptions()
            options.endpoints = etcd.endpoints
            let registry = try EtcdRegistry(options)
            let running = Task { await registry.run() }
            let endpoint = Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)
            let instance = ServiceInstance(id: "a1", name: "user", endpoints: [endpoint])
            let registration = try registry.register(instance)
            try await registration.waitUntilRegistered()
            for await snapshot in registry.watch("user") {
                #expect(snapshot.instances["a1"] == instance)
                break
            }
            await registration.release()
            running.cancel()
            await running.value
        }
    }
}
