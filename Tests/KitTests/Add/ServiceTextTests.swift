import Foundation
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitCommand

/// Additions to the text of .proto files, at the end of a service, which protoc locates.
@Suite(.timeLimit(.minutes(3)), .protoc)
struct ServiceTextTests {
    private static let text = """
        syntax = "proto3"; // service Fake { }
        /* service AlsoFake { rpc X(Y) returns (Z); } */
        package acme.service.message;
        option java_package = "service { ";

        service UserService {
          // One.
          rpc GetUser(GetUserRequest) returns (User) {
            option idempotency_level = NO_SIDE_EFFECTS;
          }
        }

        message User { message Inner {} }
        message GetUserRequest {}
        service Empty {}

        """

    /// The text with a call and its messages, and protoc's view of the services.
    private func added(
        _ call: String,
        to text: String,
        service: Int = 0
    ) async throws -> (text: String, calls: [[String]]) {
        let directory = try TemporaryDirectory()
        let compiler = ProtoCompiler(path: ProtoPath([.init(path: directory.path, origin: .api)]))
        try directory.write(text, to: "a.proto")
        let set = try await compiler.parse(["a.proto"])
        let file = try #require(set.file("a.proto"))
        let messages = ["\(call)Request", "\(call)Response"]
        let bytes = try ServiceText(Array(text.utf8), file: file, service: service)
            .adding(call, messages[0], messages[1], declaring: messages.filter { !set.sees($0, in: file) })
        try Data(bytes).write(to: URL(filePath: directory.path("a.proto")))
        let after = try #require(try await compiler.parse(["a.proto"]).file("a.proto"))
        return (String(decoding: bytes, as: UTF8.self), after.service.map { $0.method.map(\.name) })
    }

    @Test func aCallIsAddedAtTheEndOfItsService() async throws {
        let (added, calls) = try await added("RenameUser", to: Self.text)
        let expected = Self.text.replacing(
            "SIDE_EFFECTS;\n  }\n}",
            with: "SIDE_EFFECTS;\n  }\n\n  rpc RenameUser(RenameUserRequest) returns (RenameUserResponse);\n}"
        )
        #expect(added == expected + "\nmessage RenameUserRequest {}\n\nmessage RenameUserResponse {}\n")
        #expect(calls == [["GetUser", "RenameUser"], []])
    }

    @Test func existingMessageIsReused() async throws {
        let (added, _) = try await added("Find", to: "package a.v1;\nservice A {}\nmessage FindRequest {}")
        #expect(
            added
                == "package a.v1;\nservice A {\n  rpc Find(FindRequest) returns (FindResponse);\n}\nmessage FindRequest {}\n"
                + "\nmessage FindResponse {}\n"
        )
    }

    @Test(arguments: [
        "\u{FEFF}syntax = \"proto3\"; service A { rpc\tX(M) returns (M); }\nmessage M {}\n",
        "service A {\r\n\trpc X(M) returns (M);\r\n\t}\r\nmessage M {}\r\n",
        "message M {} \tservice\tA\t{ rpc X(M) returns (M) {}\t} // }",
        "service A { rpc X(M) returns (M); // }\n}message M {}",
        "/* ü */ message M {}; service A { rpc X(M) returns (M) { option deprecated = true; } /* } */ }",
    ])
    func theEndIsFoundHoweverItIsWritten(_ text: String) async throws {
        let (added, calls) = try await added("Find", to: text)
        #expect(calls == [["X", "Find"]])
        #expect(added.utf8.contains(UInt8(ascii: "\r")) == text.utf8.contains(UInt8(ascii: "\r")))
        #expect(!added.replacing("\r\n", with: "").contains("\n") || !text.contains("\r\n"))
    }

    @Test(arguments: [
        ("RenameUser", "renameUser"), ("GetURL", "getURL"), ("URLFetch", "urlFetch"), ("GET", "get"),
        ("importCSV", "importCSV"), ("get_user", "get_user"), ("_X", "_x"),
    ])
    func functionsAreNamedAsThePluginDoes(_ call: String, function: String) {
        #expect(GRPCMethodName.lowerCamel(call) == function)
        #expect(!GRPCMethodName(call, among: [call]).isChanged)
    }

    @Test(arguments: [
        ("Init", "`init`", "Init"), ("self", "`self`", "selfMethod"), ("Self", "`self`", "SelfMethod"),
        ("Type", "type", "TypeMethod"), ("Protocol", "`protocol`", "ProtocolMethod"), ("_", "method_", "_Method"),
        ("descriptors", "descriptors", "descriptorsMethod"), ("IN", "`in`", "IN"),
    ])
    func namesThatSwiftDoesNotTakeAreChanged(_ call: String, function: String, type: String) {
        let name = GRPCMethodName(call, among: [call])
        #expect(name.isChanged && name.function == function && name.type == type)
    }

    @Test func functionsHaveNamesOfTheirOwn() {
        let names: Set = ["GetUser", "getUser", "Type", "TypeMethod"]
        #expect(GRPCMethodName("GetUser", among: names).function == "GetUser")
        #expect(!GRPCMethodName("getUser", among: names).function.contains("`"))
        #expect(GRPCMethodName("Type", among: names).type == "TypeMethodMethod")
    }
}
