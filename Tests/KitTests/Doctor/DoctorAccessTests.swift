import Foundation
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitCommand

/// `kit doctor` and `kit registry` for an etcd user with rights to a single service.
@Suite(.timeLimit(.minutes(4)), .enabled(if: EtcdServer.isAvailable())) struct DoctorAccessTests {
    /// Runs a body with the settings of a user with rights to `user-service`.
    private static func with(
        permission: String = "readwrite",
        _ body: @Sendable (_ settings: [String]) async throws -> Void
    ) async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.addUser(
                "svc", password: "secret", prefix: "/microservices/user-service/", permission: permission)
            try await etcd.enableAuth()
            try await body([
                "registry.backend=etcd", "registry.etcd.endpoints=[\(etcd.endpoints.joined(separator: ", "))]",
                "registry.etcd.username=svc", "registry.etcd.password=secret",
            ])
        }
    }

    private static func set(_ settings: [String]) -> [String] { settings.flatMap { ["--set", $0] } }

    private static func registryFinding(_ settings: [String]) async throws -> [String: String] {
        let result = try await Kit.run(["doctor", "--json"] + set(settings))
        let list = try JSONDecoder().decode([[String: String]].self, from: Data(result.output.utf8))
        return try #require(list.first { $0["name"] == "registry" })
    }

    @Test func checkNeedsNoMoreThanTheServicesRights() async throws {
        try await Self.with { settings in
            let finding = try await Self.registryFinding(settings + ["app.name=user-service"])
            #expect(finding["verdict"] == "good", "\(finding)")
            #expect(finding["finding"] == "etcd answers; user-service can register")
        }
    }

    @Test func aRefusalNamesUserRoleAndPrefix() async throws {
        try await Self.with { settings in
            let finding = try await Self.registryFinding(settings + ["app.name=order-service"])
            #expect(finding["verdict"] == "bad")
            for part in [#"user "svc""#, #"role "svc""#, #"the prefix "/microservices/order-service/""#] {
                #expect(finding["finding"]?.contains(part) == true, "\(finding)")
            }
            #expect(finding["remedy"]?.hasPrefix("it answers") == true, "\(finding)")
            #expect(finding["remedy"]?.contains("start it") == false)
        }
    }

    @Test func readOnlyUserCannotRegister() async throws {
        try await Self.with(permission: "read") { settings in
            let service = settings + ["app.name=user-service"]
            let finding = try await Self.registryFinding(service)
            #expect(finding["verdict"] == "bad", "\(finding)")
            #expect(finding["finding"]?.contains("readwrite /microservices/user-service/") == true, "\(finding)")
            // A service that does not register needs no more.
            let unregistered = try await Self.registryFinding(service + ["registry.registration=none"])
            #expect(unregistered["verdict"] == "good", "\(unregistered)")
        }
    }

    @Test func unnamedServiceGetsAWarning() async throws {
        try await Self.with { settings in
            let finding = try await Self.registryFinding(settings)
            #expect(finding["verdict"] == "warning", "\(finding)")
            #expect(finding["remedy"] == "kit doctor --set app.name=NAME")
        }
    }

    @Test func aWrongPasswordIsToldFromARefusal() async throws {
        try await Self.with { settings in
            let finding = try await Self.registryFinding(settings.dropLast() + ["registry.etcd.password=wrong"])
            #expect(finding["verdict"] == "bad", "\(finding)")
            #expect(finding["remedy"]?.contains("registry.etcd.username and the password") == true, "\(finding)")
        }
    }

    @Test func unusedRegistryIsOnlyAWarning() async throws {
        let finding = try await Self.registryFinding([
            "registry.backend=etcd", "registry.etcd.endpoints=[http://127.0.0.1:1]", "registry.registration=none",
        ])
        #expect(finding["verdict"] == "warning", "\(finding)")
    }

    @Test func registryCommandsSayToNameTheService() async throws {
        try await Self.with { settings in
            for arguments in [["list"], ["watch"], ["offline", "user-1"], ["weight", "user-1", "5"]] {
                let refused = try await Kit.run(["registry"] + arguments + Self.set(settings))
                #expect(refused.exit == .exited(1), "\(arguments)")
                #expect(refused.errors.contains(#"user "svc", who has the role "svc","#), "\(refused.errors)")
                #expect(refused.errors.contains("name a service"), "\(refused.errors)")
            }
            let list = try await Kit.run(["registry", "list", "user-service"] + Self.set(settings))
            #expect(list.exit == .exited(0), "\(list.errors)")
            let offline = try await Kit.run(
                ["registry", "offline", "user-1", "--service", "user-service"] + Self.set(settings))
            #expect(offline.errors.contains("has no instance \"user-1\""), "\(offline.errors)")
        }
    }
}
