import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// A service with a fixed id that starts again while etcd still has its former entry.
@Suite(.timeLimit(.minutes(4)), .serialized, .enabled(if: EtcdServer.isAvailable()))
struct EtcdHeldIDTests {
    private static func server(_ etcd: EtcdServer, _ settings: [String]) throws -> RunningProgram {
        try RunningProgram.userServer(
            id: "user-1", settings: EtcdFleet.settings(etcd.endpoints, ["log.level=info"] + settings))
    }

    private static func crash(_ etcd: EtcdServer, _ settings: [String]) async throws {
        let server = try server(etcd, settings)
        try await server.waitForErrors("] serving")
        server.signal(SIGKILL)
        _ = try await server.waitForExit()
    }

    @Test func startWaitsForTheLeaseOfACrashedInstance() async throws {
        try await EtcdServer.withServer { etcd in
            let ttl = ["registry.etcd.ttl=10m"]
            try await Self.crash(etcd, ttl)
            let next = try Self.server(etcd, ttl + ["registry.timeout=2m"])
            try await next.waitForErrors("cannot register; trying again")
            // The lease ends when the test says so: a busy machine can take longer than a short lease.
            let lease = try await etcd.lease(of: EtcdFleet.prefix + "user-1")
            try await etcd.etcdctl("lease", "revoke", lease)
            try await next.waitForErrors("] serving")
            next.signal(SIGTERM)
            #expect(try await next.waitForExit() == .exited(0))
        }
    }

    @Test func startThatCannotWaitForTheLeaseNamesTheRemedy() async throws {
        try await EtcdServer.withServer { etcd in
            try await Self.crash(etcd, ["registry.etcd.ttl=10m"])
            let next = try Self.server(etcd, ["registry.timeout=2s"])
            #expect(try await next.waitForExit() == .exited(1))
            let line = try #require(next.errors.split(separator: "\n").last)
            #expect(line.hasPrefix("servicekit-user-server: error: cannot register within 2.0 seconds"), "\(line)")
            #expect(line.contains("key \(EtcdFleet.prefix)user-1, held by lease "), "\(line)")
            #expect(line.contains(" s unless its owner renews it"), "\(line)")
            #expect(line.contains("the start would wait until the other's entry ends"), "\(line)")
            #expect(line.contains("register under another id (app.id)"), "\(line)")
        }
    }

    @Test func heldIDOfALivingInstanceFailsAtOnce() async throws {
        try await EtcdServer.withServer { etcd in
            let ttl = ["registry.etcd.ttl=30s"]
            let first = try Self.server(etcd, ttl)
            try await first.waitForErrors("] serving")
            let second = try Self.server(etcd, ttl + ["registry.timeout=10m"])
            #expect(try await second.waitForExit() == .exited(1))
            #expect(second.errors.contains("its owner lives: it has renewed its entry"), "\(second.errors)")
            first.signal(SIGTERM)
            #expect(try await first.waitForExit() == .exited(0))
        }
    }
}
