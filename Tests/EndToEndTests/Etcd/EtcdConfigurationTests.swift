import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// A service whose configuration is in etcd too.
@Suite(.timeLimit(.minutes(3)), .enabled(if: EtcdServer.isAvailable()))
struct EtcdConfigurationTests {
    @Test func changedKeyTakesEffectAndAnOutageOfEtcdKeepsTheLastValue() async throws {
        try await EtcdServer.withServer { etcd in
            let weight = "/config/user-service/app.metadata.weight"
            try await etcd.etcdctl("put", weight, "'5'")
            try await Fleet.with { fleet in
                let file = { (lameDuck: Int) in
                    """
                    app: {name: user-service}
                    server: {grpc: {listen: "127.0.0.1:0", advertise: 127.0.0.1}}
                    config:
                      etcd: {prefix: /config/user-service, connection: {endpoints: ["\(etcd.endpoints[0])"]}}
                    shutdown: {lame-duck: \(lameDuck)ms}

                    """
                }
                let server = try await fleet.start("a", configuration: file(1))
                #expect(fleet.instances.value["a"]?.weight == 5)
                try await etcd.etcdctl("put", weight, "'7'")
                _ = await fleet.instances.first { $0["a"]?.weight == 7 }

                // A mistake is refused, and names the key.
                try await etcd.etcdctl("put", "/config/user-service/log.level", "loud")
                let refused = try await server.waitForErrors("configuration refused")
                #expect(refused.contains("/config/user-service/log.level:1:1: log.level: "), "\(refused)")
                try await etcd.etcdctl("del", "/config/user-service/log.level")

                try await etcd.kill()
                try await server.waitForErrors("configuration source is away")
                // What another source says is taken, and etcd's last value stays.
                let changes = server.errors.split(separator: "\n").count { $0.contains("configuration changed") }
                try fleet.configure("a", file(2))
                try await server.waitForErrors("configuration changed", times: changes + 1)
                #expect(fleet.instances.value["a"]?.weight == 7)

                try await etcd.start()
                try await eventually { (try? await etcd.etcdctl("put", weight, "'9'")) != nil }
                _ = await fleet.instances.first { $0["a"]?.weight == 9 }
                server.signal(SIGTERM)
                #expect(try await server.waitForExit() == .exited(0))
            }
        }
    }
}
