import ServiceKit
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// The errors for an id that another owner holds.
@Suite(.timeLimit(.minutes(3)), .enabled(if: EtcdServer.isAvailable()))
struct HeldIDTests {
    private static let instance = ServiceInstance(id: "a", name: "user")
    private static let key = "/microservices/user/a"

    private static func with(_ body: @Sendable (EtcdServer, EtcdRegistry) async throws -> Void) async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.withRegistry { try await body(etcd, $0) }
        }
    }

    private static func value() throws -> String {
        String(decoding: try EtcdLayout.kratos.encode(instance), as: UTF8.self)
    }

    @Test func heldIDNamesTheLeaseAndItsRemainingTime() async throws {
        try await Self.with { etcd, registry in
            let granted = try await etcd.etcdctl("lease", "grant", "600")
            let lease = String(try #require(granted.split(separator: " ").dropFirst().first))
            try await etcd.etcdctl("put", Self.key, try Self.value(), "--lease=\(lease)")
            let error = await #expect(throws: RegistryError.self) { _ = try await registry.registered(Self.instance) }
            #expect(error?.code == .alreadyRegistered)
            let rest = try #require(error?.endsWithin)
            #expect((.seconds(300)...(.seconds(600))).contains(rest))
            let message = try #require(error?.message)
            let hold = "key \(Self.key), held by lease \(lease), which ends in \(rest.components.seconds) s"
            #expect(message.contains(hold), "\(message)")
            #expect(
                message.contains("stop that one, or wait until the lease has ended if it has crashed"), "\(message)")
            #expect(message.contains("app.id"))
            // The attempt gives its lease back: only the holder's lease is left.
            #expect(try await etcd.etcdctl("lease", "list").split(separator: "\n").last.map(String.init) == lease)
            #expect(try await etcd.etcdctl("lease", "list").hasPrefix("found 1 leases"))
            try await etcd.etcdctl("lease", "revoke", lease)
            let registration = try await registry.registered(Self.instance)
            await registration.release()
        }
    }

    @Test func entryWithoutALeaseHasNoRemainingTime() async throws {
        try await Self.with { etcd, registry in
            try await etcd.etcdctl("put", Self.key, try Self.value())
            let error = await #expect(throws: RegistryError.self) { _ = try await registry.registered(Self.instance) }
            #expect(error?.code == .alreadyRegistered)
            #expect(error?.endsWithin == nil)
            #expect(error?.message.contains("does not end by itself") == true)
            #expect(error?.message.contains("kit registry deregister") == true)
        }
    }
}
