import ServiceKitProtobuf
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitCommand

/// The descriptors that running programs get of a file.
@Suite(.timeLimit(.minutes(1)), .protoc)
struct ProtoSetTests {
    private func closure(_ files: [String: String]) async throws -> Google_Protobuf_FileDescriptorSet {
        let directory = try TemporaryDirectory()
        for (name, text) in files { try directory.write(text, to: name) }
        let path = ProtoPath([.init(path: directory.path, origin: .api)] + ProtoPath.wellKnown)
        let set = try await ProtoCompiler(path: path).parse(["a.proto"])
        return try Google_Protobuf_FileDescriptorSet(serializedBytes: set.closure(of: "a.proto"))
    }

    @Test func importsForOptionsOnlyAreLeftOut() async throws {
        let set = try await closure([
            "a.proto": """
            syntax = "proto3"; package a;
            import "google/api/annotations.proto"; import public "b.proto"; import "options.proto";
            import "google/protobuf/timestamp.proto";
            message M { google.protobuf.Timestamp time = 1; B b = 2; }
            """,
            "b.proto": "syntax = \"proto3\"; package a;\n// A comment.\nmessage B {}\n",
            "options.proto": """
            syntax = "proto3"; package a; import "google/protobuf/descriptor.proto";
            extend google.protobuf.FieldOptions { string note = 50000; }
            """,
        ])
        #expect(set.file.map(\.name).sorted() == ["a.proto", "b.proto", "google/protobuf/timestamp.proto"])
        let file = try #require(set.file.first { $0.name == "a.proto" })
        #expect(file.dependency == ["b.proto", "google/protobuf/timestamp.proto"])
        #expect(file.publicDependency == [0])
        #expect(DeclarationNotes(try DescriptorPool(set.file)).comment(on: "a.B") == "A comment.")
        // The comments of protobuf's own files are long, and nobody's API.
        #expect(set.file.filter { !$0.sourceCodeInfo.location.isEmpty }.map(\.name) == ["b.proto"])
    }

    @Test func fileOfOptionsWhoseTypeIsUsedStays() async throws {
        let set = try await closure([
            "a.proto": """
            syntax = "proto3"; package a; import "options.proto"; message M { Note note = 1; }
            """,
            "options.proto": """
            syntax = "proto3"; package a; import "google/protobuf/descriptor.proto"; message Note {}
            extend google.protobuf.FieldOptions { Note note = 50000; }
            """,
        ])
        #expect(set.file.map(\.name).suffix(2) == ["options.proto", "a.proto"])
        #expect(set.file.map(\.name).contains("google/protobuf/descriptor.proto"))
        #expect(try DescriptorPool(set.file).missingFiles == [])
    }
}
