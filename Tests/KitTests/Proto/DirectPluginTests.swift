import Foundation
import ServiceKitTestSupport
import SwiftProtobufPluginLibrary
import Testing

@testable import ServiceKitCommand

/// `protoc-gen-servicekit`, as protoc runs it.
@Suite(.timeLimit(.minutes(1)), .protoc)
struct DirectPluginTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(
            """
            syntax = "proto3";
            package a.v1;
            import "common/types.proto";
            service Numbers { rpc Get(common.Money) returns (Number); }
            message Number {}
            """, to: "protos/a/numbers.proto")
        try directory.write(
            "syntax = \"proto3\"; package common; message Money {}", to: "protos/common/types.proto")
        try FileManager.default.createDirectory(atPath: directory.path("code"), withIntermediateDirectories: true)
    }

    private func protoc(_ options: String...) async throws -> ToolRun.Outcome {
        let plugin = RunningProgram.path(ofProduct: "protoc-gen-servicekit")
        let arguments = [
            "--plugin=\(plugin)", "--servicekit_out=\(directory.path("code"))",
            "--proto_path=\(directory.path("protos"))", "a/numbers.proto", "common/types.proto",
        ]
        return try await ToolRun(
            program: "protoc", arguments: arguments + options.map { "--servicekit_opt=\($0)" }, limit: .seconds(30))()
    }

    private func code(_ name: String) throws -> String {
        try String(contentsOfFile: directory.path("code/\(name)"), encoding: .utf8)
    }

    @Test func pluginWritesTheCodeOfKit() async throws {
        try directory.write(
            "mapping { module_name: \"CommonAPI\" proto_file_path: \"common/types.proto\" }", to: "modules")
        let outcome = try await protoc(
            "Visibility=Public", "UseAccessLevelOnImports=true",
            "ProtoPathModuleMappings=\(directory.path("modules"))")
        #expect(outcome.isSuccess, "\(outcome.errors)")

        let path = ProtoPath([.init(path: directory.path("protos"), origin: .api)])
        let names = SwiftNames(try await ProtoCompiler(path: path).parse(["a/numbers.proto"]).files)
        let modules = ProtoGenerator.mappings(["common/types.proto": "CommonAPI"])
        let expected = try names.directCode(
            of: "a/numbers.proto", modules: try ProtoFileToModuleMappings(moduleMappingsProto: modules))
        #expect(try code("a/numbers.servicekit.swift") == expected)
    }

    @Test func defaultsAreThoseOfTheOtherPlugins() async throws {
        #expect(try await protoc().isSuccess)
        let lines = try code("a/numbers.servicekit.swift").split(separator: "\n")
        #expect(
            lines.filter { $0.contains("import ") } == [
                "import GRPCCore", "import GRPCProtobuf", "import ServiceKit", "import ServiceKitGRPC",
            ]
        )
        #expect(lines.contains("    internal struct Stub: Sendable {"))
        // A file without services and errors has no code.
        #expect(try directory.contents("code") == ["a"])
    }

    @Test func descriptorsAreWrittenOnDemand() async throws {
        #expect(try await protoc("Visibility=Package", "Descriptors=true").isSuccess)
        let path = ProtoPath([.init(path: directory.path("protos"), origin: .api)])
        let set = try await ProtoCompiler(path: path).parse(["a/numbers.proto"])
        var expected = DescriptorsFile(proto: "a/numbers.proto", set: try set.closure(of: "a/numbers.proto"))
        expected.visibility = .package
        #expect(try code("a/numbers.descriptors.swift") == expected.text)
        #expect(expected.text.contains("\npackage let aNumbersDescriptors = "))
        // A file without services is described by those that import it.
        #expect(try directory.contents("code") == ["a"])
    }

    @Test(arguments: [("PathToUnderscores", "a_numbers"), ("DropPath", "numbers"), ("FullPath", "a/numbers")])
    func fileNamesFollowTheOption(_ naming: String, name: String) async throws {
        #expect(try await protoc("FileNaming=\(naming)", "Visibility=Package").isSuccess)
        #expect(try code("\(name).servicekit.swift").contains("package struct Stub: Sendable {"))
    }

    @Test(arguments: [
        ("Server=true", "there is no option \"Server\"; the options are Visibility, "),
        ("Visibility=public", "Visibility=public: the value must be one of Internal, Package, Public"),
        ("UseAccessLevelOnImports", "UseAccessLevelOnImports=: the value must be one of true, false"),
        ("Descriptors=some", "Descriptors=some: the value must be one of true, false"),
        ("FileNaming=Flat", "FileNaming=Flat: the value must be one of FullPath, PathToUnderscores, DropPath"),
        ("ProtoPathModuleMappings=none", "ProtoPathModuleMappings=none: "),
    ])
    func wrongOptionsAreRefused(_ option: String, error: String) async throws {
        let outcome = try await protoc(option)
        #expect(!outcome.isSuccess)
        #expect(outcome.errors.hasPrefix("--servicekit_out: \(error)"), "\(outcome.errors)")
    }
}
