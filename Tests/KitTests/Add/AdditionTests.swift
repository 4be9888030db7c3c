import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// Additions to a service that need no plugin of protoc.
@Suite(.timeLimit(.minutes(3)), .protoc)
struct AdditionTests {
    private let directory: TemporaryDirectory

    init() async throws {
        directory = try TemporaryDirectory()
        for name in ["user-service", "order-service"] {
            try await directory.addService(name)
        }
    }

    private func package(_ name: String = "user-service") throws -> ServicePackage {
        try ServicePackage(at: directory.path(name))
    }

    private func refusal(_ call: String) async throws -> String? {
        let package = try package()
        return await #expect(throws: CommandFailure.self) { try await RPCAddition(call, to: package) }?.description
    }

    @Test(arguments: ["RenameUser", "UserService.RenameUser"])
    func aCallHasAHandlerAndATest(_ call: String) async throws {
        let files = FileTree(try await RPCAddition(call, to: package()).sources()).files
        #expect(
            files.map(\.path) == [
                "Sources/UserService/Service/RenameUser.swift", "Sources/UserServiceAPI/user.proto",
                "Tests/UserServiceTests/RenameUserTests.swift",
            ]
        )
        let handler = String(decoding: files[0].bytes, as: UTF8.self)
        #expect(handler.contains("extension UserProvider {"))
        #expect(handler.contains("func renameUser(\n        request: User_V1_RenameUserRequest,"))
        let proto = String(decoding: files[1].bytes, as: UTF8.self)
        // The other calls have paths over HTTP, so this one gets one too.
        #expect(
            proto.contains(
                """

                  rpc RenameUser(RenameUserRequest) returns (RenameUserResponse) {
                    option (google.api.http) = {
                      post: "/v1/users:rename"
                      body: "*"
                    };
                  }
                }
                """))
    }

    @Test func callsThatCannotBeAddedAreRefused() async throws {
        #expect(try await refusal("GetUser") == "UserService has GetUser already")
        #expect(try await refusal("OrderService.Rename")?.contains("has no service \"OrderService\"") == true)
        #expect(
            try await refusal("getUser")
                == "UserService has GetUser already, whose function is called getUser too; choose another name")
        for name in ["A.B.C", "1x", "a-b", "", "Ä"] {
            #expect(try await refusal(name)?.contains("cannot be the name of a call") == true)
        }
        try directory.write("", to: "user-service/Sources/UserService/Domain/RenameUser.swift")
        let addition = try await RPCAddition("RenameUser", to: package())
        let failure = #expect(throws: CommandFailure.self) { try addition.sources() }
        #expect(failure?.description.contains("UserService/Domain/RenameUser.swift already exists") == true)
    }

    /// `User` in the service is then the call and no longer the message.
    @Test func aCallThatHidesAMessageIsRefused() async throws {
        let text = try #require(try await refusal("User"))
        #expect(
            text.hasPrefix("Sources/UserServiceAPI/user.proto with the call User is invalid; choose another name\n"))
        #expect(text.contains("\"User\" is not a message type"), "\(text)")
        // The file on the disk has other lines.
        #expect(text.firstMatch(of: #/:\d+:\d+/#) == nil, "\(text)")
    }

    @Test(arguments: [
        ("Import", "Import", "`import`", "ImportRequest"),
        ("renameUser", "RenameUser", "renameUser", "RenameUserRequest"),
        ("rename_user", "RenameUser", "rename_user", "RenameUserRequest"), ("self", "Self", "`self`", "SelfRequest"),
    ])
    func aCallIsNamedAsProtocTakesIt(_ call: String, file: String, function: String, request: String) async throws {
        let files = try await RPCAddition(call, to: package()).sources()
        let handler = try #require(files.first { $0.path == "Sources/UserService/Service/\(file).swift" })
        #expect(
            String(decoding: handler.bytes, as: UTF8.self).contains(
                "func \(function)(\n        request: User_V1_\(request),"))
        #expect(
            files.contains { String(decoding: $0.bytes, as: UTF8.self).contains("  rpc \(call)(\(request)) returns") })
    }

    @Test func mistakesAreNamedByTheirPlace() async throws {
        try directory.write("syntax = \"proto3\";\nservice {", to: "user-service/Sources/UserServiceAPI/user.proto")
        let text = try #require(try await refusal("RenameUser"))
        #expect(text.contains("Sources/UserServiceAPI/user.proto:2:9: Expected service name"), "\(text)")
    }

    @Test func aClientHasATargetAndAFactory() async throws {
        let addition = try await ClientAddition(of: directory.path("order-service"), named: nil, to: package())
        let files = FileTree(try addition.sources() + addition.api.copies).files
        #expect(
            files.map(\.path) == [
                "Package.swift", "Sources/OrderServiceAPI/order.proto",
                "Sources/UserService/Data/OrderServiceClient.swift",
            ]
        )
        let manifest = String(decoding: files[0].bytes, as: UTF8.self)
        #expect(
            manifest.contains(
                "name: \"OrderServiceAPI\",\n            "
                    + "dependencies: [grpc, grpcProtobuf, protobuf, serviceKit, serviceKitGRPC]"))
        #expect(
            manifest.contains(
                "dependencies: [\n                \"OrderServiceAPI\",\n                \"UserServiceAPI\""))
        let factory = String(decoding: files[2].bytes, as: UTF8.self)
        #expect(factory.contains("typealias OrderServiceClient = Order_V1_OrderService.Stub"))
        #expect(factory.contains("try channel(\"order-service\")"))
    }

    @Test func aClientOfAFileIsCalledByItsService() async throws {
        let proto = directory.path("order-service/Sources/OrderServiceAPI/order.proto")
        let factory = { (name: String?) async throws in
            let files = try await ClientAddition(of: proto, named: name, to: package()).sources()
            return String(
                decoding: try #require(files.first { $0.path.hasSuffix("Client.swift") }).bytes, as: UTF8.self)
        }
        #expect(try await factory(nil).contains("try channel(\"order-service\")"))
        #expect(try await factory("orders").contains("try channel(\"orders\")"))
    }

    @Test func clientsThatCannotBeAddedAreRefused() async throws {
        let package = try package()
        let own = await #expect(throws: CommandFailure.self) {
            try await ClientAddition(of: directory.path("user-service"), named: nil, to: package)
        }
        #expect(own?.description == "Sources/UserServiceAPI has user.v1.UserService already")
        await #expect(throws: CommandFailure.self) {
            try await ClientAddition(of: directory.path("nowhere"), named: nil, to: package)
        }
        try directory.write("// another one", to: "user-service/Package.swift")
        let manifest = await #expect(throws: CommandFailure.self) {
            try await ClientAddition(of: directory.path("order-service"), named: nil, to: package)
        }
        #expect(manifest?.description.contains("by hand") == true)
    }
}
