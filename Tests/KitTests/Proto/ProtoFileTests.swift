import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// Files of other people that differ from kit's own.
@Suite(.timeLimit(.minutes(2)), .protoc)
struct ProtoFileTests {
    private let directory: TemporaryDirectory

    init() async throws {
        directory = try TemporaryDirectory()
        try await directory.addService()
    }

    private func addition(_ file: String, named name: String? = nil) async throws -> ClientAddition {
        try await ClientAddition(
            of: directory.path(file), named: name, to: try ServicePackage(at: directory.path("user-service")))
    }

    @Test func aCommentNeedNotBeUTF8() async throws {
        let text =
            "syntax = \"proto3\";\npackage g;\n// \u{1}\nservice Greeter { rpc Hi(Q) returns (Q); }\nmessage Q {}\n"
        // Two characters of GBK instead of the mark.
        let bytes = Array(text.utf8).flatMap { $0 == 1 ? [0xC4, 0xE3, 0xBA, 0xC3] : [$0] }
        try Data(bytes).write(to: URL(filePath: directory.path("gbk.proto")))
        #expect(try await addition("gbk.proto").api.generated == ["gbk.proto"])
    }

    @Test func aCallIsAddedToAFileWithAnyComment() async throws {
        let proto = "user-service/Sources/UserServiceAPI/user.proto"
        let path = directory.path(proto)
        let comment = Data("// ".utf8) + Data([0xC4, 0xE3, 0xBA, 0xC3]) + Data("\n".utf8)
        try (Data(contentsOf: URL(filePath: path)) + comment).write(to: URL(filePath: path))
        let package = try ServicePackage(at: directory.path("user-service"))
        let addition = try await RPCAddition("RenameUser", to: package)
        let written = try #require(try addition.sources().first { $0.path.hasSuffix("user.proto") })
        #expect(written.bytes.firstRange(of: comment) != nil)
        #expect(written.bytes.firstRange(of: Array("  rpc RenameUser(".utf8)) != nil)
    }

    @Test func aTextThatIsNotUTF8IsNamedByItsLine() async throws {
        let text = "syntax = \"proto3\";\npackage g;\noption java_package = \"\u{1}\";\nservice G {}\n"
        let bytes = Array(text.utf8).flatMap { $0 == 1 ? [0xC4, 0xE3] : [$0] }
        try Data(bytes).write(to: URL(filePath: directory.path("g.proto")))
        let error = await #expect(throws: CommandFailure.self) { try await addition("g.proto") }
        #expect(
            error?.description.hasSuffix("/g.proto:3: a text is not UTF-8; save the file as UTF-8") == true, "\(error)")
    }

    @Test func aFileThatPackageSwiftCannotNameIsRefused() async throws {
        try directory.write(
            "syntax = \"proto3\"; package h; service H { rpc Check(Q) returns (Q); } message Q {}", to: "a[b].proto")
        let error = await #expect(throws: CommandFailure.self) { try await addition("a[b].proto") }
        #expect(error?.description.contains("cannot stand in Package.swift because of the character \"[\"") == true)
    }

    @Test func anotherServicesInvalidNameIsNamedWithItsFile() async throws {
        try await directory.addService("order-service")
        try directory.write("app: {name: \"or der\"}", to: "order-service/config/config.yaml")
        let error = await #expect(throws: CommandFailure.self) { try await addition("order-service") }
        let file = directory.path("order-service/config/config.yaml")
        #expect(error?.description.hasPrefix("\(file): app.name: ") == true, "\(error)")
    }

    @Test(arguments: ["my\"svc", "a\\b", ""])
    func invalidServiceNameIsRefused(name: String) async throws {
        try directory.write(
            "syntax = \"proto3\"; package h; service Health { rpc Check(Q) returns (Q); } message Q {}",
            to: "health.proto")
        let error = await #expect(throws: CommandFailure.self) { try await addition("health.proto", named: name) }
        #expect(error?.description.hasPrefix("--name: ") == true)
    }

    @Test func constantsOfOneModuleDiffer() {
        let constants = DescriptorsFile.constants(of: ["a_b.proto", "a-b.proto", "a/b.proto"])
        #expect(Set(constants.values).count == 3)
        #expect(constants.values.contains(DescriptorsFile.constant(of: "a_b.proto")))
    }

    @Test(arguments: [
        ("edition = \"2023\";", true), ("// c\n/* d */ edition=\"2023\";", true), ("syntax = \"proto3\";", false),
        ("hello world", false), ("editions", false), ("", false),
    ])
    func anEditionIsSaidInTheFirstStatement(text: String, hasEdition: Bool) {
        #expect(SourceEncoding(bytes: Array(text.utf8)).hasEdition == hasEdition)
    }

    @Test func utf16IsKnownByItsBytes() {
        #expect(SourceEncoding(bytes: [0xFF, 0xFE, 0x73, 0]).isUTF16)
        #expect(SourceEncoding(bytes: [0x73, 0, 0x79, 0]).isUTF16)
        #expect(!SourceEncoding(bytes: Array("syntax".utf8)).isUTF16)
        #expect(SourceEncoding(bytes: Array("a\nb".utf8) + [0xC4]).firstLineThatIsNotUTF8 == 2)
    }

    // MARK: - Targets

    @Test func dependenciesAreFollowedThroughOthers() {
        var graph = TargetGraph()
        graph.add(["B"], to: "A")
        graph.add(["C"], to: "B")
        graph.add(["B"], to: "C")
        #expect(graph.depends("A", on: "C") && graph.depends("C", on: "B") && !graph.depends("C", on: "A"))
    }

    @Test func codeIsTakenFromNoTargetThatDependsOnThisOne() throws {
        let types = "syntax = \"proto3\"; package common; message Money {}"
        for place in ["here", "user-service/Sources/MoneyAPI"] {
            try directory.write(types, to: "\(place)/types.proto")
        }
        try directory.write("", to: "user-service/Sources/MoneyAPI/types.pb.swift")
        let package = try ServicePackage(at: directory.path("user-service"))
        func target(_ graph: TargetGraph) throws -> String? {
            try package.target(withCodeOf: "types.proto", in: directory.path("here"), for: "VideoAPI", graph: graph)
        }
        var graph = TargetGraph()
        #expect(try target(graph) == "MoneyAPI")
        graph.add(["OrderAPI"], to: "MoneyAPI")
        graph.add(["VideoAPI"], to: "OrderAPI")
        #expect(try target(graph) == nil)
    }
}
