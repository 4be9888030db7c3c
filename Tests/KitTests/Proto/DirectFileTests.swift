import ServiceKitTestSupport
import SwiftProtobufPluginLibrary
import Testing

@testable import ServiceKitCommand

/// The direct handlers and stubs that kit generates.
@Suite(.timeLimit(.minutes(1)), .protoc)
struct DirectFileTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// The code of `test.proto`.
    private func code(_ proto: String, modules: [String: String] = [:]) async throws -> String? {
        try directory.write(proto, to: "test.proto")
        let path = ProtoPath([.init(path: directory.path, origin: .api)] + ProtoPath.wellKnown)
        let names = SwiftNames(try await ProtoCompiler(path: path).parse(["test.proto"]))
        let mappings = try ProtoFileToModuleMappings(moduleMappingsProto: ProtoGenerator.mappings(modules))
        return names.directCode(of: "test.proto", modules: mappings)
    }

    /// The lines of the code that are no comments, without indentation.
    private func lines(_ proto: String, modules: [String: String] = [:]) async throws -> [String] {
        try #require(try await code(proto, modules: modules)).split(separator: "\n")
            .map { String($0.drop { $0 == " " }) }.filter { !$0.hasPrefix("//") }
    }

    @Test func aServiceOfAllKindsOfCalls() async throws {
        let code = try await code(
            """
            syntax = "proto3";
            package a.v1;
            // Numbers.
            service Numbers {
              // One number.
              //
              // Of a kind.
              rpc Get(Query.Kind) returns (Number);
              rpc Add(stream Number) returns (Sum); // Adds them.
              rpc List(Query) returns (stream Number);
              rpc Double(stream Number) returns (stream Number);
            }
            message Number {}
            message Sum {}
            message Query { message Kind {} }
            """)
        #expect(code == Self.numbers)
    }

    @Test func aFileWithoutServicesHasNoCode() async throws {
        #expect(try await code("syntax = \"proto3\"; message M {}") == nil)
    }

    @Test func aServiceWithoutMethods() async throws {
        let lines = try await lines("syntax = \"proto3\"; package a; service Empty {}")
        #expect(lines.contains("serve(service, descriptors: descriptors) { _ in }"))
        #expect(lines.filter { $0.contains("import") } == ["public import ServiceKit", "public import ServiceKitGRPC"])
    }

    @Test func methodsWithKeywordsAsNames() async throws {
        let code = try #require(
            try await code(
                """
                syntax = "proto3";
                package a;
                service Odd {
                  rpc Init(M) returns (M);
                  rpc Type(M) returns (stream M);
                  rpc Channel(M) returns (M);
                  rpc GetUser(M) returns (M);
                  rpc getUser(M) returns (M);
                  rpc HTTPStatus(M) returns (M);
                }
                message M {}
                """))
        #expect(!code.contains("itMethod"))
        #expect(code.contains("/// Calls `Init`.\n"))
        let methods = code.split(separator: "methods.").dropFirst().map { $0.split(separator: "}")[0] }.map {
            $0.split { $0.isNewline || $0 == " " }.joined(separator: " ")
        }
        #expect(
            methods == [
                "unary(A_Odd.Method.Init.descriptor) { try await service.`init`(request: $0, context: $1)",
                "serverStreaming(A_Odd.Method.TypeMethod.descriptor) { try await service.type(request: $0, response: $1, context: $2)",
                "unary(A_Odd.Method.Channel.descriptor) { try await service.channel(request: $0, context: $1)",
                "unary(A_Odd.Method.GetUser.descriptor) { try await service.GetUser(request: $0, context: $1)",
                "unary(A_Odd.Method.getUser.descriptor) { try await service.getUser(request: $0, context: $1)",
                "unary(A_Odd.Method.HTTPStatus.descriptor) { try await service.httpStatus(request: $0, context: $1)",
            ]
        )
        #expect(code.contains("public func `init`(\n"))
        #expect(code.contains("public func `init`<Result: Sendable>(\n"))
    }

    @Test func aFileWithoutAPackage() async throws {
        let plain = try await lines("syntax = \"proto3\"; service S { rpc Get(M) returns (M); } message M {}")
        #expect(plain.contains("extension S {"))
        #expect(plain.contains("_ message: M,"))
        for name in ["Stub", "App", "ServiceKit", "ServiceChannel"] {
            let hidden = try await lines("syntax = \"proto3\"; service S { rpc Get(\(name)) returns (\(name)); } message \(name) {}")
            #expect(hidden.contains("extension Test_S {"), "\(name)")
            #expect(hidden.contains("_ message: Test_\(name),"), "\(name)")
        }
    }

    @Test func messagesOfOtherModulesAreImported() async throws {
        try directory.write("syntax = \"proto3\"; package b; message B {}", to: "b.proto")
        try directory.write("syntax = \"proto3\"; package c; import public \"b.proto\"; message C {}", to: "c.proto")
        try directory.write("syntax = \"proto3\"; package d; message D {}", to: "d.proto")
        let proto = """
            syntax = "proto3";
            package a;
            import "c.proto";
            import "d.proto";
            import "google/protobuf/empty.proto";
            service S { rpc Get(b.B) returns (google.protobuf.Empty); }
            message M { d.D d = 1; }
            """
        let modules = ["b.proto": "BAPI", "c.proto": "CAPI", "d.proto": "DAPI"]
        let lines = try await lines(proto, modules: modules)
        #expect(
            lines.filter { $0.contains("import") } == [
                "public import BAPI", "public import GRPCCore", "public import ServiceKit",
                "public import ServiceKitGRPC", "public import SwiftProtobuf",
            ]
        )
        #expect(lines.contains("_ message: BAPI.B_B,"))
        #expect(lines.contains(") async throws -> SwiftProtobuf.Google_Protobuf_Empty {"))
        // In one module, no name needs a module.
        let own = try await self.lines(proto)
        #expect(own.contains("_ message: B_B,"))
    }

    private static let numbers = #"""
        """#
}
