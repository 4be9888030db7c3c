import ServiceKit
import ServiceKitEtcd
import ServiceKitTesting
import Testing

/// The examples of the guide.
@Suite(.timeLimit(.minutes(3)), .enabled(if: EtcdServer.isAvailable()))
struct GuideTests {
    struct Service {
        // Compiled, and not run: it reads the command line.
        static func main() async {
            await App.run(plugins: [.etcd]) { _ in }
        }
    }

    @Test func exampleWithoutAnAppWorks() async throws {
        try await EtcdServer.withServer { etcd in
            var options = EtcdRegistryOptions()
            options.endpoints = etcd.endpoints
            let registry = try EtcdRegistry(options)
            let running = Task { await registry.run() }
            let instance = ServiceInstance(
                id: "a1", name: "user", endpoints: [Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)]
            )
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
