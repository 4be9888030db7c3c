import Testing

@testable import kit

/// .proto files are read and added to as text.
struct ProtoSourceTests {
    private static let text = """
        syntax = "proto3"; // service Fake { }
        /* service AlsoFake { rpc X(Y) returns (Z); } */
        package acme.user.v1;
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

    @Test func declarationsAreFound() {
        let source = ProtoSource(Self.text)
        #expect(source.package == "acme.user.v1")
        #expect(source.services.map(\.name) == ["UserService", "Empty"])
        #expect(source.services.map(\.calls) == [["GetUser"], []])
        #expect(source.types == ["User", "GetUserRequest"])
    }

    @Test func aCallIsAddedAtTheEndOfItsService() {
        let source = ProtoSource(Self.text)
        let added = source.adding("RenameUser", to: source.services[0])
        let expected = Self.text.replacing(
            "SIDE_EFFECTS;\n  }\n}",
            with: "SIDE_EFFECTS;\n  }\n\n  rpc RenameUser(RenameUserRequest) returns (RenameUserResponse);\n}"
        )
        #expect(added == expected + "\nmessage RenameUserRequest {}\n\nmessage RenameUserResponse {}\n")
        #expect(ProtoSource(added).services[0].calls == ["GetUser", "RenameUser"])
    }

    @Test func aMessageThatIsThereIsUsed() {
        let source = ProtoSource("package a.v1;\nservice A {}\nmessage FindRequest {}")
        #expect(
            source.adding("Find", to: source.services[0])
                == "package a.v1;\nservice A {\n  rpc Find(FindRequest) returns (FindResponse);\n}\nmessage FindRequest {}\n"
                + "\nmessage FindResponse {}\n"
        )
    }

    @Test(arguments: ["", "service", "service A {", "service A { rpc", "\"", "/*", "}", "\"\\"])
    func whatIsNoProtoIsRead(_ text: String) {
        #expect(ProtoSource(text).services.isEmpty)
    }

    @Test(arguments: [("RenameUser", "renameUser"), ("GetURL", "getURL"), ("URLFetch", "urlFetch"), ("GET", "get")])
    func functionsAreNamedAsThePluginDoes(_ call: String, function: String) {
        #expect(RPCAddition.lowerCamel(call) == function)
    }
}
