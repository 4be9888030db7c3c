import Testing

@testable import ServiceKitCommand
@testable import ServiceKitProtobuf

@Suite struct CallTargetTests {
    @Test(
        arguments: [
            ("user-service", "user-service", nil, nil), ("user-service/GetUser", "user-service", nil, "GetUser"),
            ("user-service/user.v1.UserService", "user-service", "user.v1.UserService", nil),
            ("user-service/user.v1.UserService/GetUser", "user-service", "user.v1.UserService", "GetUser"),
            ("user-service/UserService/GetUser", "user-service", "UserService", "GetUser"),
        ] as [(String, String?, String?, String?)])
    func throughTheRegistry(text: String, name: String?, service: String?, method: String?) throws {
        let target = try CallTarget(text, hasAddress: false)
        #expect(target.registryName == name)
        #expect(target.service == service)
        #expect(target.method == method)
    }

    @Test func addressTargetHasNoRegistryName() throws {
        let target = try CallTarget("user.v1.UserService/GetUser", hasAddress: true)
        #expect(target.registryName == nil)
        #expect(target.service == "user.v1.UserService")
        #expect(target.method == "GetUser")
        #expect(try CallTarget("user.v1.UserService", hasAddress: true).method == nil)
    }

    @Test(arguments: [("", false), ("/", false), ("a//b", false), ("a/b/c/d", false), ("a/", false), ("a/b/c", true)])
    func targetWithoutAMethodIsRefused(text: String, hasAddress: Bool) {
        let error = #expect(throws: CommandFailure.self) { try CallTarget(text, hasAddress: hasAddress) }
        #expect(error?.description.contains("write ") == true)
    }

    // MARK: - The choice

    private let services = [
        ServiceType(name: "user.v1.UserService", methods: [.method("GetUser"), .method("Check")]),
        ServiceType(name: "grpc.health.v1.Health", methods: [.method("Check")]),
    ]

    private func choose(_ text: String) throws -> String {
        let target = try CallTarget(text, hasAddress: false)
        let names = try target.services(among: services.map(\.name))
        let chosen = try target.method(among: services.filter { names.contains($0.name) })
        return "\(chosen.service)/\(chosen.method.name)"
    }

    @Test(arguments: [
        ("u/GetUser", "user.v1.UserService/GetUser"), ("u/UserService/Check", "user.v1.UserService/Check"),
        ("u/grpc.health.v1.Health/Check", "grpc.health.v1.Health/Check"),
        ("u/Health/Check", "grpc.health.v1.Health/Check"),
    ])
    func methodIsFoundByItsName(text: String, expected: String) throws {
        #expect(try choose(text) == expected)
    }

    @Test(arguments: [
        (
            "u/Check",
            "u has more than one method \"Check\": user.v1.UserService/Check, grpc.health.v1.Health/Check; "
                + "name the service as well"
        ),
        (
            "u/getUser",
            "u has no method \"getUser\"; it has: user.v1.UserService/GetUser, user.v1.UserService/Check, "
                + "grpc.health.v1.Health/Check"
        ),
        ("u/Service/X", "u has no service \"Service\"; it has: user.v1.UserService, grpc.health.v1.Health"),
        ("u/Health/Watch", "u has no method \"Watch\"; it has: grpc.health.v1.Health/Check"),
    ])
    func unknownOrAmbiguousMethodIsRefused(text: String, expected: String) {
        let error = #expect(throws: CommandFailure.self) { try choose(text) }
        #expect(error?.description == expected)
    }
}

extension MethodType {
    fileprivate static func method(_ name: String) -> MethodType {
        MethodType(
            name: name, input: "a.In", output: "a.Out", isClientStreaming: false, isServerStreaming: false,
            hasNoSideEffects: false)
    }
}
