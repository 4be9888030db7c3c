import ServiceKit
import ServiceKitConfig
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// A user of etcd who may use one service, and not the others.
@Suite(.timeLimit(.minutes(3)), .serialized, .enabled(if: !EtcdVersions.installed.isEmpty))
struct AccessTests {
    /// Runs a body with the registry of a user whose role has rights to the keys of one service.
    private static func with(
        _ binary: String,
        permission: String = "readwrite",
        _ body: @Sendable (EtcdServer, EtcdRegistry) async throws -> Void
    ) async throws {
        try await EtcdServer.withServer(EtcdVersions.options(binary)) { etcd in
            try await etcd.addUser(
                "svc", password: "secret", prefix: "/microservices/user-service/", permission: permission)
            try await etcd.enableAuth()
            try await etcd.withRegistry {
                $0.username = "svc"
                $0.password = Secret("secret")
            } _: { registry in
                try await body(etcd, registry)
            }
        }
    }

    private static func refusal(_ body: () async throws -> Void) async throws -> RegistryError {
        try #require(await #expect(throws: RegistryError.self) { try await body() })
    }

    @Test(arguments: EtcdVersions.installed)
    func rightsOfTheServiceAreEnough(_ binary: String) async throws {
        try await Self.with(binary) { etcd, registry in
            let before = try await etcd.etcdctl("get", "", "--prefix", "--write-out=json")
            try await registry.checkAccess(to: "user-service", registering: true)
            func revision(_ json: String) -> Substring? {
                json.split(separator: "\"revision\":").last?.prefix { $0.isNumber }
            }
            let after = try await etcd.etcdctl("get", "", "--prefix", "--write-out=json")
            #expect(revision(before) == revision(after), "nothing was written")
            let registration = try await registry.registered(ServiceInstance(id: "a", name: "user-service"))
            #expect(try await registry.instances(of: "user-service").count == 1)
            await registration.release()
        }
    }

    @Test(arguments: EtcdVersions.installed)
    func refusalNamesUserRoleAndPrefix(_ binary: String) async throws {
        try await Self.with(binary) { _, registry in
            let look = try await Self.refusal {
                try await registry.checkAccess(to: "order-service", registering: true)
            }
            let register = try await Self.refusal {
                _ = try await registry.registered(ServiceInstance(id: "a", name: "order-service"))
            }
            let services = try await Self.refusal { _ = try await registry.services() }
            for (error, place, permission) in [
                (look, #"the prefix "/microservices/order-service/""#, "read /microservices/order-service/"),
                (register, #"the key "/microservices/order-service/a""#, "readwrite /microservices/order-service/"),
                (services, #"the prefix "/microservices/""#, "read /microservices/"),
            ] {
                #expect(error.code == .permissionDenied)
                #expect(error.message.contains(#"user "svc", who has the role "svc","#), "\(error)")
                #expect(error.message.contains(place), "\(error)")
                #expect(
                    error.message.hasSuffix("etcdctl role grant-permission ROLE --prefix=true \(permission)"),
                    "\(error)")
            }
        }
    }

    @Test(arguments: EtcdVersions.installed)
    func readOnlyUserCannotRegister(_ binary: String) async throws {
        try await Self.with(binary, permission: "read") { _, registry in
            try await registry.checkAccess(to: "user-service", registering: false)
            let error = try await Self.refusal {
                try await registry.checkAccess(to: "user-service", registering: true)
            }
            #expect(error.code == .permissionDenied)
            #expect(error.message.contains(#"cannot register instances of "user-service""#), "\(error)")
            #expect(error.message.contains("readwrite /microservices/user-service/"), "\(error)")
        }
    }
}
