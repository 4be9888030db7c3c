import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// `kit proto generate`, as its users run it, on packages with several APIs.
@Suite(.timeLimit(.minutes(3)), .protocPlugins)
struct ProtoGenerateTests {
    private let directory: TemporaryDirectory
    private let package: ServicePackage

    init() async throws {
        directory = try TemporaryDirectory()
        package = try await directory.addService()
        // The plugins are looked for in the cache, under the versions that the package has resolved.
        try directory.write(
            """
            {"pins": [
              {"identity": "swift-protobuf", "state": {"version": "1.0.0"}},
              {"identity": "grpc-swift-protobuf", "state": {"version": "2.0.0"}}
            ]}
            """, to: "user-service/Package.resolved")
        let cache = directory.path("cache/servicekit/swift-protobuf-1.0.0_grpc-swift-protobuf-2.0.0")
        try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
        let plugins = try #require(ProtoPlugins.built)
        for name in ProtoPlugins.names {
            try FileManager.default.createSymbolicLink(
                atPath: "\(cache)/\(name)", withDestinationPath: "\(plugins)/\(name)")
        }
    }

    /// Runs `kit proto generate`, and gives the lines that it prints.
    private func generate() async throws -> [String] {
        let kit = try await Kit.run(
            ["proto", "generate", "--path", package.directory], environment: ["XDG_CACHE_HOME": directory.path("cache")]
        )
        #expect(kit.exit == .exited(0), "\(kit.errors)")
        return kit.output.split(separator: "\n").map(String.init)
    }

    private func addClient(_ file: String) async throws {
        let addition = try await ClientAddition(of: directory.path(file), named: nil, to: package)
        let generator = ProtoGenerator(plugins: try #require(ProtoPlugins.built))
        _ = try await package.write(try addition.sources() + (try await generator.files(of: addition.api)))
    }

    private let types = "syntax = \"proto3\"; package common; message Money { int64 units = 1; }"

    @Test func theCodeOfANewServiceIsUpToDate() async throws {
        #expect(try await generate() == ["nothing has changed"])
    }

    /// The second API takes the code of `common/types.proto` from the first. The first then imports a file of the second,
    /// whose code it cannot take: the two would depend on each other.
    @Test func aSecondRunInARowChangesNothingWhereACircleIsInSight() async throws {
        for place in ["one", "two"] { try directory.write(types, to: "\(place)/common/types.proto") }
        let extra = "syntax = \"proto3\"; package extra; message Extra {}"
        try directory.write(extra, to: "two/extra/extra.proto")
        let service = { (name: String, imports: [String]) in
            """
            syntax = "proto3";
            package \(name.lowercased());
            import "common/types.proto";
            \(imports.map { "import \"\($0)\";\n" }.joined())
            service \(name) { rpc Get(common.Money) returns (\(imports.isEmpty ? "common.Money" : "extra.Extra")); }
            """
        }
        try directory.write(service("One", []), to: "one/one.proto")
        try directory.write(service("Two", ["extra/extra.proto"]), to: "two/two.proto")
        try await addClient("one/one.proto")
        try await addClient("two/two.proto")
        #expect(PackageManifest(text: try package.text("Package.swift")).dependencies(of: "TwoAPI") == ["OneAPI"])

        try directory.write(service("One", ["extra/extra.proto"]), to: "user-service/Sources/OneAPI/one.proto")
        let written = try await generate()
        #expect(written.contains("Sources/OneAPI/extra_extra.pb.swift"))
        #expect(try await generate() == ["nothing has changed"])
        let graph = try TargetGraph(of: package)
        #expect(!graph.depends("OneAPI", on: "TwoAPI"))
        #expect(graph.depends("TwoAPI", on: "OneAPI"))
    }

    @Test func theModuleThatIsInUseIsKept() throws {
        for target in ["AnyAPI", "MoneyAPI"] {
            try directory.write(types, to: "user-service/Sources/\(target)/common/types.proto")
            try directory.write("", to: "user-service/Sources/\(target)/common_types.pb.swift")
        }
        try directory.write(types, to: "here/common/types.proto")
        func target(_ graph: TargetGraph) throws -> String? {
            try package.target(
                withCodeOf: "common/types.proto", in: directory.path("here"), for: "VideoAPI", graph: graph)
        }
        var graph = TargetGraph()
        #expect(try target(graph) == "AnyAPI")
        graph.add(["MoneyAPI"], to: "VideoAPI")
        #expect(try target(graph) == "MoneyAPI")
    }
}
