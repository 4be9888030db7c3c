import Foundation
import Logging
import ServiceKit
import ServiceKitAuth
import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitHTTP
import ServiceKitGRPC
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// `config/reference.yaml` and `config/schema.json` against the types.
@Suite struct ConfigReferenceTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        .standardizedFileURL

    static func file(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static var sections: ConfigurationSections { ConfigurationSections(plugins: [.auth, .etcd, .http, .grpc]) }

    @Test(arguments: [(ConfigurationForm.reference, "config/reference.yaml"), (.schema, "config/schema.json")])
    func fileOfTheRepositoryIsUpToDate(form: ConfigurationForm, path: String) throws {
        let remedy = "write it anew: kit config \(form == .schema ? "schema" : "init -") > \(path)"
        #expect(try Self.file(path) == Self.sections.description(as: form), "\(remedy)")
    }

    /// A section without a value would be one line that a person forgets, so the sections are comments too.
    @Test func everyLineOfTheReferenceIsAComment() throws {
        let lines = try Self.file("config/reference.yaml").split(separator: "\n")
        #expect(lines.allSatisfy { $0.drop { $0 == " " }.hasPrefix("#") })
    }

    @Test func referenceOverAnotherLayerChangesNothing() throws {
        let lower = ConfigurationDocument(
            origin: "a", bytes: Array("log: {level: debug}\nclient: {balancer: p2c}".utf8))
        let reference = ConfigurationDocument(origin: "b", bytes: Array(try Self.file("config/reference.yaml").utf8))
        let bare = ConfigurationDocument(origin: "c", bytes: Array("log:\nclient:\nserver:\n  grpc:".utf8))
        let alone = try LayerStack(documents: [lower]).written()
        #expect(try LayerStack(documents: [lower, reference]).written().hasSameValues(as: alone))
        let shown = try LayerStack(documents: [lower, bare]).written()
        Self.sections.register(in: shown)
        #expect(
            ConfigurationPrinter.json(shown.outline)
                == #"{"log":{"level":"debug"},"client":{"balancer":"p2c"},"server":{}}"#)
    }

    @Test func referenceIsAGoodConfigurationThatSetsNothing() throws {
        let configuration = try Configuration(yaml: Self.file("config/reference.yaml"))
        let check = ConfigurationCheck(configuration, plugins: [.auth, .etcd, .http])
        #expect(check.errors.isEmpty)
        #expect(check.foreign.isEmpty)
        #expect(
            try configuration.decode(ChannelOptions.self, at: "client", except: ["balancers", "timeouts"]) == .init())
    }

    @Test func everyDefaultOfTheReferenceIsAllowed() throws {
        func indentation(_ line: Substring) -> Int { line.prefix { $0 == " " }.count }
        let keys = try Self.file("config/reference.yaml").split(separator: "\n").filter { line in
            !line.drop { $0 == " " }.hasPrefix("# ")
        }
        // A key without a value stays a comment, unless it is a section.
        let lines = keys.indices.map { index in
            let isSection = index + 1 < keys.count && indentation(keys[index + 1]) > indentation(keys[index])
            if keys[index].hasSuffix(":"), !isSection { return String(keys[index]) }
            return String(keys[index].replacing("#", with: "", maxReplacements: 1))
        }
        let configuration = try Configuration(yaml: lines.joined(separator: "\n"), origin: "reference")
        #expect(configuration.options.isEmpty)
        let errors = ConfigurationCheck(configuration, plugins: [.auth, .etcd, .http]).errors.map(\.description)
        // A source of configuration has no default place, and callers have no default proof.
        let exceptions = ["config.etcd.prefix", "server.auth.required"]
        #expect(errors.allSatisfy { error in exceptions.contains { error.contains($0) } }, "\(errors)")
        #expect(configuration.options.count > 50)
    }

    /// What the description calls live is what an App follows.
    @Test func liveOptionsAreThoseThatAnAppFollows() throws {
        let registered = Configuration()
        Self.sections.register(in: registered)
        let configuration = Configuration()
        let app = try ServiceKit.App(
            configuration: configuration, plugins: [.auth, .etcd, .http], logger: Logger(label: "test"))
        _ = try app.channel("user-service")
        let live = registered.options.filter(\.isLive).map(\.path)
        let followed = registered.options.map(\.path).filter { path in
            configuration.followedPaths.contains { path == $0 || path.hasPrefix("\($0).") }
        }
        #expect(live == followed)
    }
}

/// The commands as processes.
@Suite(.timeLimit(.minutes(3))) struct ConfigInitCommandTests {
    @Test func initWritesTheReferenceAndReplacesNoFile() async throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/config/config.yaml"
        let first = try await Kit.run(["config", "init", file])
        #expect(first.exit == .exited(0))
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(try text == ConfigReferenceTests.file("config/reference.yaml"))
        let second = try await Kit.run(["config", "init", file])
        #expect(second.exit == .exited(1))
        #expect(second.errors.contains("\(file) exists; name another file"))
        let shown = try await Kit.run(["config", "show", "--config", file, "--set", "log.level=debug"])
        #expect(shown.output == "log:\n  level: debug  # --set log.level\n")
        let below = try await Kit.run(["config", "init", "\(file)/a.yaml"])
        #expect(below.errors == "Error: \(file)/a.yaml cannot be written: a part of its path is no directory\n")
        let printed = try await Kit.run(["config", "init", "-", "--schema", "s.json"])
        #expect(printed.output == "# yaml-language-server: $schema=s.json\n" + text)
        let schema = try await Kit.run(["config", "schema"])
        #expect(try schema.output == ConfigReferenceTests.file("config/schema.json"))
    }
}
