import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// kit accepts every file that protoc accepts, and the code compiles.
@Suite(
    .timeLimit(.minutes(5)), .protocPlugins, .enabled("the modules of the build are not found") { TypeCheck.isPossible }
)
struct ForeignProtoTests {
    private let directory: TemporaryDirectory
    private let package: ServicePackage

    init() async throws {
        directory = try TemporaryDirectory()
        package = try await directory.addService()
    }

    private func generator() throws -> ProtoGenerator { ProtoGenerator(plugins: try #require(ProtoPlugins.built)) }

    /// Adds a client, like `kit add client`.
    @discardableResult
    private func addClient(_ text: String, file: String) async throws -> ClientAddition {
        let path = try directory.write(text, to: file)
        let addition = try await ClientAddition(of: path, named: nil, to: package)
        _ = try await package.write(try addition.sources() + (try await generator().files(of: addition.api)))
        return addition
    }

    /// Adds a call, like `kit add rpc`.
    private func addCall(_ name: String) async throws {
        let addition = try await RPCAddition(name, to: package)
        let code = try await package.files(of: [addition.api], by: generator()) { Issue.record("\($0)") }
        _ = try await package.write(try addition.sources() + code)
    }

    private func expectCompiles() async throws {
        let diagnostics = try await TypeCheck(package: package).diagnostics()
        #expect(diagnostics == [])
    }

    @Test func namesThatAreWordsOfSwift() async throws {
        let video = try await addClient(
            """
            syntax = "proto3";
            package pushService.V1_beta.class;
            // Calls "Init" and self.
            service video {
              // Calls "Init".
              rpc Init(.pushService.V1_beta.class.Type) returns (.pushService.V1_beta.class.Protocol);
              rpc self(stream .pushService.V1_beta.class.Type) returns (.pushService.V1_beta.class.self);
              rpc Type(.pushService.V1_beta.class.Type) returns (stream .pushService.V1_beta.class.Protocol);
              rpc get_user(.pushService.V1_beta.class.Type) returns (.pushService.V1_beta.class.Dictionary);
              rpc Sendable(.pushService.V1_beta.class.Type) returns (.pushService.V1_beta.class.Protocol);
              rpc descriptors(.pushService.V1_beta.class.Type) returns (.pushService.V1_beta.class.Protocol);
              rpc Client(.pushService.V1_beta.class.Type) returns (.pushService.V1_beta.class.Protocol);
              rpc client(.pushService.V1_beta.class.Type) returns (.pushService.V1_beta.class.Protocol);
              rpc _(.pushService.V1_beta.class.Type) returns (.pushService.V1_beta.class.Protocol);
            }
            message Type { enum Type { self_ = 0; default = 1; } Type type = 1; string self = 2; oneof in { int32 init = 3; string as = 4; } }
            message Protocol { message Protocol {} Protocol p = 1; repeated Type types = 2; }
            message self {}
            message Dictionary { map<string, Protocol> entries = 1; }
            """, file: "video.proto")
        #expect(video.variables == ["video"])
        for name in ["Import", "self", "rename_user", "Type"] { try await addCall(name) }
        try await expectCompiles()
        let calls = try package.text("Sources/VideoAPI/video.grpc.swift")
        #expect(calls.contains("method: \"self\",") && calls.contains("method: \"Type\","))
        #expect(!calls.contains("itMethod"))
    }

    /// The names of the members, parameters and variables in the direct code.
    @Test func methodsWithNamesOfTheDirectCode() async throws {
        let names = [
            "Channel", "Init", "Message", "Metadata", "Options", "Stub", "Serve", "Service", "Methods", "Unary",
        ]
        let calls = names.flatMap { name in
            ["", "stream "].flatMap { request in
                ["", "stream "].map { response in
                    let kind = "\(request.isEmpty ? "" : "In")\(response.isEmpty ? "" : "Out")"
                    return "  rpc \(name)\(kind)(\(request).direct.v1.Stub) returns (\(response).direct.v1.App.Stub);"
                }
            }
        }
        try await addClient(
            """
            syntax = "proto3";
            package direct.v1;
            service Calls {
            \(calls.joined(separator: "\n"))
            }
            service Stubs { rpc Get(ServiceChannel) returns (ResponseStream); }
            service Empty {}
            message App { message Stub {} }
            message Stub {}
            message ServiceChannel {}
            message ResponseStream {}
            """, file: "direct.proto")
        try await expectCompiles()
    }

    /// A service of go-kratos: its errors are in a file of their own, and it brings `errors/errors.proto` with it.
    @Test func errorsOfGoKratos() async throws {
        try directory.write(
            """
            syntax = "proto3";
            package errors;
            option go_package = "github.com/go-kratos/kratos/v2/errors;errors";
            import "google/protobuf/descriptor.proto";
            message Error { int32 code = 1; string reason = 2; string message = 3; map<string, string> metadata = 4; };
            extend google.protobuf.EnumOptions { int32 default_code = 1108; }
            extend google.protobuf.EnumValueOptions { int32 code = 1109; }
            """, to: "kratos/third_party/errors/errors.proto")
        try directory.write(
            """
            syntax = "proto3";
            package helloworld.v1;
            import "errors/errors.proto";
            enum ErrorReason {
              option (errors.default_code) = 500;
              GREETER_UNSPECIFIED = 0;
              USER_NOT_FOUND = 1 [(errors.code) = 404];
              default = 2;
              self = 3;
              init = 4;
              Type = 5;
              hash_value = 6;
            }
            message Reply { enum Reason { NONE = 0; message = 1 [(errors.code) = 400]; } Reason reason = 1; ErrorReason error = 2; }
            """, to: "kratos/helloworld/v1/error_reason.proto")
        try directory.write(
            """
            syntax = "proto3";
            package helloworld.v1;
            import "helloworld/v1/error_reason.proto";
            service Greeter { rpc Hello(Reply) returns (Reply); }
            """, to: "kratos/helloworld/v1/greeter.proto")
        let path = directory.path("kratos/helloworld/v1/greeter.proto")
        let addition = try await ClientAddition(
            of: path, named: nil, to: package,
            protoPaths: [directory.path("kratos"), directory.path("kratos/third_party")])
        _ = try await package.write(try addition.sources() + (try await generator().files(of: addition.api)))
        try directory.write(
            """
            internal import GreeterAPI
            internal import ServiceKit
            func check(_ error: any Error) -> ServiceError {
                Helloworld_V1_ErrorReason.isUserNotFound(error)
                    ? Helloworld_V1_ErrorReason.userNotFound("none") : Helloworld_V1_Reply.Reason.message("bad")
            }
            """, to: "user-service/Sources/UserService/Check.swift")
        try await expectCompiles()
    }

    /// Both files are in the module of the first client.
    @Test func typesOfAFileThatAnotherMakesPublic() async throws {
        try directory.write(
            "syntax = \"proto3\"; package x; message Y {}", to: "pm/x/y.proto")
        try directory.write(
            "syntax = \"proto3\"; package x; import public \"x/y.proto\"; message X {}", to: "pm/x/x.proto")
        try await addClient(
            """
            syntax = "proto3";
            package o1;
            import "x/x.proto";
            service O1 { rpc Get(x.X) returns (x.Y); }
            """, file: "pm/o1.proto")
        let second = try await addClient(
            """
            syntax = "proto3";
            package o3;
            import "x/x.proto";
            message M { x.Y y = 1; }
            service O3 { rpc Get(M) returns (M); }
            """, file: "pm/o3.proto")
        #expect(second.api.generated == ["o3.proto"])
        try await expectCompiles()
    }

    @Test func namesThatMeanSomethingElseWhereTheyStand() async throws {
        try await addClient(
            """
            syntax = "proto3";
            package p;
            service Odd { rpc await(Q) returns (Q); rpc Precedencegroup(Q) returns (Q); }
            message Q {}
            """, file: "odd.proto")
        try await addClient(
            """
            syntax = "proto3";
            service Raw { rpc Get(RawValue) returns (RawValue); }
            message RawValue { enum Kind { A = 0; } Kind kind = 1; }
            """, file: "raw.proto")
        try await expectCompiles()
    }

    @Test func noPackage() async throws {
        let names = ["User", "Error", "Task", "UserUseCase"].map { "message \($0) {}\n" }.joined()
        let plain = try await addClient(
            """
            syntax = "proto3";
            import "google/protobuf/empty.proto";
            \(names)service Default { rpc Get(User) returns (Error); rpc Import(Task) returns (google.protobuf.Empty); }
            """, file: "plain.proto")
        #expect(plain.variables == ["default"])
        #expect(try package.text("Sources/DefaultAPI/plain.pb.swift").contains("public nonisolated struct User"))
        // The code would take each of these for another type.
        let hidden = [
            "App", "Client", "Dictionary", "Input", "Method", "Output", "Result", "ServiceKit", "Stub", "Transport",
            "Type", "Void",
        ]
        let several = try await addClient(
            """
            syntax = "proto3";
            \(hidden.map { "message \($0) { map<string, string> m = 1; }\n" }.joined())
            service Any { \(hidden.map { "rpc \($0)(.\($0)) returns (.\($0));" }.joined(separator: " ")) }
            service default { rpc Get(Input) returns (Output); }
            service default_ { rpc Get(stream Input) returns (stream Output); }
            """, file: "several-services.proto")
        #expect(several.variables == ["any", "severalServicesDefault", "severalServicesDefault2"])
        #expect(several.registeredName.name == "several-services")
        try await expectCompiles()
    }

    @Test func importsOfEveryKind() async throws {
        try directory.write(
            "\u{FEFF}syntax = \"proto3\";\r\npackage a;\r\nimport public \"b/types.proto\";\r\nmessage A { b.B b = 1; }\r\n",
            to: "my protos/a/types.proto")
        try directory.write(
            """
            syntax = "proto2"; package b;
            message B { optional group G = 1 { required int32 a = 1; } extensions 100 to 200; }
            extend B { optional string note = 100; }
            """, to: "my protos/b/types.proto")
        let text = """
            syntax = "proto3";
            package c;
            import "a/types.proto";
            import "buf/validate/validate.proto";
            import "google/api/annotations.proto";
            import "google/protobuf/timestamp.proto";
            import "google/rpc/status.proto";
            import "google/type/money.proto";
            service One {
              rpc Get(a.A) returns (google.rpc.Status) { option (google.api.http) = { get: "/v1/a" }; }
              rpc Find(b.B) returns (stream google.protobuf.Timestamp);
            }
            message M { google.type.Money money = 1; string s = 2 [(buf.validate.field).string.min_len = 1]; }
            """
        try await addClient(text, file: "my protos/one.proto")
        let two = text.replacing("package c", with: "package d").replacing("service One", with: "service Two")
        let second = try await addClient(two, file: "my protos/two.proto")
        #expect(second.api.generated == ["two.proto"])
        #expect(Set(second.api.modules.values) == ["OneAPI"])
        try await expectCompiles()
        // The code stays the same when it is generated again in the package.
        for api in try package.apis() {
            let path = ProtoPath(for: api.target, given: [], in: package)
            let set = try await ProtoCompiler(path: path).parse(api.protos)
            let again = try ProtoAPI(
                target: api.target, set: set, roots: set.roots(of: api.protos), path: path, package: package)
            let files = try await package.files(of: [again], by: generator()) { Issue.record("\($0)") }
            #expect(try await package.write(files) == [])
        }
    }
}
