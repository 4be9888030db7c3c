import Foundation
import TestSupport
import Testing

@testable import kit

/// What is added to a service, as far as it needs no protoc.
@Suite(.timeLimit(.minutes(3)))
struct AdditionTests {
    private let directory: TemporaryDirectory

    init() async throws {
        directory = try TemporaryDirectory()
        for name in ["user-service", "order-service"] {
            try await TreeWriter(directory: directory.path(name)).write(ServiceTemplateTests.tree(name))
        }
    }

    private func package(_ name: String = "user-service") throws -> ServicePackage {
        try ServicePackage(at: directory.path(name))
    }

    private func refusal(_ call: String) throws -> String? {
        let package = try package()
        return #expect(throws: CommandFailure.self) { try RPCAddition(call, to: package) }?.description
    }

    @Test(arguments: ["RenameUser", "UserService.RenameUser"])
    func aCallHasAHandlerAndATest(_ call: String) throws {
        let files = FileTree(try RPCAddition(call, to: package()).sources()).files
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
        #expect(proto.contains("\n  rpc RenameUser(RenameUserRequest) returns (RenameUserResponse);\n}"))
    }

    @Test func callsThatCannotBeAddedAreRefused() throws {
        #expect(try refusal("GetUser") == "UserService has GetUser already")
        #expect(try refusal("OrderService.Rename")?.contains("has no service \"OrderService\"") == true)
        #expect(try refusal("renameUser")?.contains("cannot be the name of a call") == true)
        #expect(try refusal("A.B.C")?.contains("cannot be the name of a call") == true)
        #expect(try refusal("Import")?.contains("a word of the Swift language") == true)
        try directory.write("", to: "user-service/Sources/UserService/Service/RenameUser.swift")
        let addition = try RPCAddition("RenameUser", to: package())
        let failure = #expect(throws: CommandFailure.self) { try addition.sources() }
        #expect(failure?.description.contains("is there already") == true)
    }

    @Test func aClientHasATargetAndAFactory() throws {
        let addition = try ClientAddition(of: directory.path("order-service"), named: nil, to: package())
        let files = FileTree(try addition.sources()).files
        #expect(
            files.map(\.path) == [
                "Package.swift", "Sources/OrderServiceAPI/order.proto",
                "Sources/UserService/Data/OrderServiceClient.swift",
            ]
        )
        let manifest = String(decoding: files[0].bytes, as: UTF8.self)
        #expect(
            manifest.contains("name: \"OrderServiceAPI\",\n            dependencies: [grpc, grpcProtobuf, protobuf]"))
        #expect(
            manifest.contains(
                "dependencies: [\n                \"OrderServiceAPI\",\n                \"UserServiceAPI\""))
        let factory = String(decoding: files[2].bytes, as: UTF8.self)
        #expect(factory.contains("Order_V1_OrderService.Client<ServiceChannel>"))
        #expect(factory.contains("try channel(\"order-service\")"))
    }

    @Test func aClientOfAFileIsCalledByItsService() throws {
        let proto = directory.path("order-service/Sources/OrderServiceAPI/order.proto")
        let factory = { (name: String?) in
            let files = try ClientAddition(of: proto, named: name, to: package()).sources()
            return String(
                decoding: try #require(files.first { $0.path.hasSuffix("Client.swift") }).bytes, as: UTF8.self)
        }
        #expect(try factory(nil).contains("try channel(\"order-service\")"))
        #expect(try factory("orders").contains("try channel(\"orders\")"))
    }

    @Test func clientsThatCannotBeAddedAreRefused() throws {
        let package = try package()
        let own = #expect(throws: CommandFailure.self) {
            try ClientAddition(of: directory.path("user-service"), named: nil, to: package)
        }
        #expect(own?.description.contains("is there already") == true)
        #expect(throws: CommandFailure.self) {
            try ClientAddition(of: directory.path("nowhere"), named: nil, to: package)
        }
        try directory.write("// another one", to: "user-service/Package.swift")
        let manifest = #expect(throws: CommandFailure.self) {
            try ClientAddition(of: directory.path("order-service"), named: nil, to: package)
        }
        #expect(manifest?.description.contains("by hand") == true)
    }
}
