import Foundation
import ServiceKitTemplates
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// Imports of .proto files are found, or the error names them.
@Suite(.timeLimit(.minutes(3)), .protoc)
struct ProtoImportTests {
    private let directory: TemporaryDirectory

    init() async throws {
        directory = try TemporaryDirectory()
        try await directory.addService()
        try directory.write(
            """
            syntax = "proto3";
            package a.v1;
            import "common/types.proto";
            service Video { rpc Get(common.Money) returns (common.Money); }
            """, to: "a b/video.proto")
    }

    private func package() throws -> ServicePackage { try ServicePackage(at: directory.path("user-service")) }

    private func addition(_ file: String, _ protoPaths: String...) async throws -> ClientAddition {
        try await ClientAddition(
            of: directory.path(file), named: nil, to: package(), protoPaths: protoPaths.map { directory.path($0) })
    }

    private func failure(_ file: String, _ protoPaths: String...) async throws -> String {
        let error = await #expect(throws: CommandFailure.self) {
            try await ClientAddition(
                of: directory.path(file), named: nil, to: package(), protoPaths: protoPaths.map { directory.path($0) })
        }
        return try #require(error).description
    }

    private let types = "syntax = \"proto3\"; package common; message Money { int64 units = 1; }"

    @Test func besideTheFile() async throws {
        try directory.write(types, to: "a b/common/types.proto")
        let api = try await addition("a b/video.proto").api
        #expect(api.copies.map(\.path) == ["Sources/VideoAPI/common/types.proto", "Sources/VideoAPI/video.proto"])
        #expect(api.generated == ["common/types.proto", "video.proto"])
        #expect(api.resources == ["common", "video.proto"])
    }

    @Test(arguments: ["third", "third/"])
    func belowAProtoPath(_ path: String) async throws {
        try directory.write(types, to: "third/common/types.proto")
        let api = try await addition("a b/video.proto", "empty", path).api
        #expect(api.copies.map(\.path) == ["Sources/VideoAPI/common/types.proto", "Sources/VideoAPI/video.proto"])
    }

    @Test func aFileIsNamedFromTheProtoPathThatItIsBelow() async throws {
        try directory.write(types, to: "common/types.proto")
        let api = try await addition("a b/video.proto", "").api
        #expect(api.generated == ["common/types.proto", "a b/video.proto"])
        #expect(ProtoGenerator.swiftName(of: "a b/video.proto") == "a b_video")
    }

    @Test func fileOfAnotherAPIIsImportedFromIt() async throws {
        try directory.write(types, to: "user-service/Sources/MoneyAPI/common/types.proto")
        try directory.write("", to: "user-service/Sources/MoneyAPI/common_types.pb.swift")
        let addition = try await addition("a b/video.proto")
        #expect(addition.api.generated == ["video.proto"])
        #expect(addition.api.modules == ["common/types.proto": "MoneyAPI"])
        let manifest = try #require(addition.sources().first { $0.path == "Package.swift" })
        #expect(
            String(decoding: manifest.bytes, as: UTF8.self).contains(
                "name: \"VideoAPI\",\n            "
                    + "dependencies: [\"MoneyAPI\", grpc, grpcProtobuf, protobuf, serviceKit, serviceKitGRPC]"))
        // A file of the same name with another content is another file.
        try directory.write(types + "\n", to: "a b/common/types.proto")
        #expect(try await self.addition("a b/video.proto").api.modules == [:])
    }

    @Test func missingImportNamesTheRemedy() async throws {
        try directory.write(types, to: "third_party/common/types.proto")
        let text = try await failure("a b/video.proto", "a b")
        #expect(text.contains("/a b/video.proto:3:1: import \"common/types.proto\" not found in "))
        #expect(text.contains("Sources/UserServiceAPI"))
        #expect(text.hasSuffix("--proto-path \(directory.path("third_party"))"), "\(text)")
        #expect(!text.contains("\n"))
        try directory.remove("third_party")
        #expect(
            try await failure("a b/video.proto").hasSuffix(
                "add the directory that contains common/types.proto: --proto-path DIR"))
    }

    @Test func missingNestedImportIsNamedInItsFile() async throws {
        try directory.write("syntax = \"proto3\";\n\nimport \"x.proto\";", to: "a b/common/types.proto")
        let text = try await failure("a b/video.proto")
        #expect(text.contains("/a b/common/types.proto:3:1: import \"x.proto\" not found in "), "\(text)")
        #expect(!text.contains("video.proto:"))
    }

    @Test func aLinkLeadsToTheSameFile() async throws {
        try directory.write(types, to: "a b/common/types.proto")
        try FileManager.default.createSymbolicLink(
            atPath: directory.path("link"), withDestinationPath: directory.path("a b"))
        #expect(try await addition("link/video.proto", "a b").api.generated == ["common/types.proto", "video.proto"])
        try directory.write("syntax = \"proto3\"; service Another {}", to: "third/video.proto")
        #expect(
            try await failure("a b/video.proto", "third").contains(
                "another file of this name, below a --proto-path, comes first"))
    }

    /// Debian's protoc does not know them.
    @Test func anEditionIsTakenWhereProtocKnowsIt() async throws {
        try directory.write("edition = \"2023\";\npackage e;\nservice E {}\n", to: "e.proto")
        do {
            #expect(try await addition("e.proto").api.generated == ["e.proto"])
        } catch let failure as CommandFailure {
            #expect(failure.description.hasSuffix("needs protoc 27 or later"), "\(failure)")
            #expect(!failure.description.contains("WARNING"))
        }
    }

    @Test func aCycleIsNamed() async throws {
        try directory.write("syntax = \"proto3\"; import \"video.proto\";", to: "a b/common/types.proto")
        #expect(try await failure("a b/video.proto").contains("recursively imports itself"))
    }

    /// Every file of kit itself, without the files installed here.
    @Test func wellKnownFilesTravelWithKit() async throws {
        let folder = try #require(Templates.folder("proto"))
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".proto") }
            .sorted()
        #expect(
            Set(files).isSuperset(of: [
                "google/protobuf/timestamp.proto", "google/protobuf/descriptor.proto", "google/api/annotations.proto",
                "google/api/field_behavior.proto", "google/api/httpbody.proto", "google/api/client.proto",
                "google/rpc/status.proto", "google/rpc/error_details.proto", "google/type/money.proto",
                "validate/validate.proto", "buf/validate/validate.proto", "errors/errors.proto",
            ]))
        let set = try await ProtoCompiler(path: ProtoPath([.init(path: folder, origin: .wellKnown)])).parse(files)
        #expect(set.files.count == files.count)
        let missing = ProtoPath([.init(path: directory.path, origin: .wellKnown)])
        #expect(await Check.imports(ProtoPath(ProtoPath.wellKnown)).verdict == .good)
        #expect(await Check.imports(missing).remedy == "install kit again: make install")
    }

    @Test func protocsOwnFilesAreBesideIt() throws {
        try directory.write("", to: "tools/bin/protoc")
        chmod(directory.path("tools/bin/protoc"), 0o755)
        #expect(ProtoPath.installed(for: "/nowhere:\(directory.path("tools/bin"))") == nil)
        try directory.write("", to: "tools/include/google/protobuf/descriptor.proto")
        let found = try #require(ProtoPath.installed(for: "/nowhere:\(directory.path("tools/bin")):/usr/bin"))
        #expect(found.hasSuffix("/tools/include"))
    }

    @Test func optionFilesGetNoCode() async throws {
        try directory.write(
            """
            syntax = "proto3";
            import "google/api/annotations.proto";
            import "google/protobuf/timestamp.proto";
            import "google/rpc/status.proto";
            import "own/options.proto";
            import "validate/validate.proto";
            service Video { rpc Get(M) returns (google.rpc.Status) { option (google.api.http) = {get: "/v1"}; } }
            message M { google.protobuf.Timestamp t = 1; string s = 2 [(validate.rules).string.min_len = 1, (own.x).y = 2]; }
            """, to: "video.proto")
        try directory.write(
            """
            syntax = "proto2";
            package own;
            import "google/protobuf/descriptor.proto";
            import "own/more.proto";
            extend google.protobuf.FieldOptions { optional More x = 50000; }
            """, to: "own/options.proto")
        try directory.write(
            "syntax = \"proto2\"; package own; message More { optional int32 y = 1; }", to: "own/more.proto")
        let api = try await addition("video.proto").api
        #expect(api.generated == ["google/rpc/status.proto", "video.proto"])
        #expect(
            api.copies.map { String($0.path.dropFirst("Sources/VideoAPI/".count)) } == [
                "google/rpc/status.proto", "own/more.proto", "own/options.proto", "video.proto",
            ])
        // The same holds when the package has them.
        let package = try package()
        _ = try await package.write(api.copies)
        let protos = try #require(try package.apis().first { $0.target == "VideoAPI" }).protos
        let path = ProtoPath(for: "VideoAPI", given: [], in: package)
        let set = try await ProtoCompiler(path: path).parse(protos)
        let again = try ProtoAPI(
            target: "VideoAPI", set: set, roots: set.roots(of: protos), path: path, package: package)
        #expect(Set(again.generated) == Set(api.generated))
        #expect(again.copies == [])
    }

    @Test func filesOfOneNameHaveCodeOfTheirOwn() {
        #expect(
            ProtoGenerator.swiftNames(of: ["a/types.proto", "A_types.proto", "types.proto", "b/types.proto"])
                == ["a_types_", "A_types", "types", "b_types"])
        #expect(DescriptorsFile.constant(of: "2fa.proto") == "_2faDescriptors")
        #expect(DescriptorsFile.constant(of: "api/v1/user-data.proto") == "apiV1UserDataDescriptors")
    }

    @Test func manifestGetsNewDependenciesAndResources() async throws {
        try directory.write(types, to: "user-service/Sources/UserServiceAPI/common/types.proto")
        let package = try package()
        let api = try #require(try package.apis().first)
        #expect(api.protos == ["common/types.proto", "user.proto"])
        let path = ProtoPath(for: api.target, given: [], in: package)
        let set = try await ProtoCompiler(path: path).parse(api.protos)
        let changed = try ProtoAPI(
            target: api.target, set: set, roots: set.roots(of: api.protos), path: path, package: package)
        var manifest = PackageManifest(text: try package.text("Package.swift"))
        #expect(manifest.update(changed) == [])
        #expect(manifest.text.contains("exclude: [\"common\", \"user.proto\"]"))
        let once = manifest
        #expect(manifest.update(changed) == [] && manifest == once)
        let products = ", serviceKit, serviceKitGRPC]"
        var older = PackageManifest(text: manifest.text.replacing(products, with: "]"))
        #expect(older != manifest && older.update(changed) == [])
        #expect(older.text.contains("dependencies: [serviceKit, serviceKitGRPC, grpc, grpcProtobuf, protobuf],"))
        var other = PackageManifest(text: "// another one")
        #expect(other.update(changed).contains("\"common\" to exclude of the target UserServiceAPI"))
    }
}
