import Foundation
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Fifty processes that follow their configuration in one etcd.
@Suite(.timeLimit(.minutes(6)), .serialized, .enabled(if: EtcdServer.isAvailable()))
struct EtcdConfigurationFleetTests {
    private static let count = 50

    @Test func putIsInForceInAllWithinASecondAndALostStoreIsNoOrderToForget() async throws {
        let directory = try TemporaryDirectory()
        try await EtcdServer.withServer { etcd in
            let key = "/config/user/startup.ready-timeout"
            try await etcd.etcdctl("put", key, "20s")
            let endpoints = etcd.endpoints.map { "'\($0)'" }.joined(separator: ", ")
            // Without the value in etcd, the placeholder would refuse the configuration.
            let file = try directory.write(
                """
                app: {name: user-service, id: "${ID}"}
                registry: {file: {directory: "\(directory.path("registry"))"}, etcd: {endpoints: [\(endpoints)]}}
                config: {etcd: {prefix: /config/user, timeout: 60s}}
                server: {grpc: {listen: "127.0.0.1:0", advertise: 127.0.0.1}}
                shutdown: {drain-timeout: "${startup.ready-timeout}"}
                """,
                to: "config.yaml"
            )
            let servers = try (1...Self.count).map { number in
                try RunningProgram(Executable.userServer, ["--config", file], environment: ["ID": "user-\(number)"])
            }
            for server in servers { try await server.waitForErrors("] serving") }

            var times: [Duration] = []
            for generation in 2...6 {
                try await etcd.etcdctl("put", key, "\(20 + generation)s")
                let put = ContinuousClock.now
                for server in servers {
                    try await server.waitForErrors("generation=\(generation) ")
                }
                times.append(.now - put)
            }
            // The shortest one counts: other programs of this machine have a part in the others.
            #expect(try #require(times.min()) < .seconds(1), "\(times)")

            try await etcd.kill()
            try etcd.wipe()
            try await etcd.start()
            try await etcd.waitUntilReady()
            for server in servers { try await server.waitForErrors("lost its data") }
            try await etcd.etcdctl("put", "/config/user/startup.hook-timeout", "9s")
            for server in servers { try await server.waitForErrors("generation=7 ") }
            for server in servers {
                #expect(!server.errors.contains("refused"), "\(server.errors)")
                server.signal(SIGTERM)
            }
            for server in servers { #expect(try await server.waitForExit() == .exited(0)) }
        }
    }
}
