import Foundation
import ServiceKitConfig
import TestSupport
import Testing

@testable import kit

@Suite struct ConfigurationCheckTests {
    private func errors(_ yaml: String) throws -> [String] {
        ConfigurationCheck(try Configuration(yaml: yaml, origin: "c.yaml")).errors.map(\.description)
    }

    @Test func everyMistakeIsFound() throws {
        let errors = try errors(
            """
            app:
              nam: user
            registry:
              backend: etdc
              timeout: 5
              etcd:
                ttl: long
            server:
              grpc:
                lisen: 127.0.0.1:0
                max-message: many
            client:
              balancr: p2c
            shutdown:
              drain-timeout: 3
            """
        )
        let places = errors.map { $0.split(separator: " ").first ?? "" }
        #expect(
            places == [
                "c.yaml:2:3:", "c.yaml:4:12:", "c.yaml:5:12:", "c.yaml:7:10:", "c.yaml:10:5:", "c.yaml:11:18:",
                "c.yaml:13:3:", "c.yaml:15:18:",
            ]
        )
        #expect(errors[0].contains("did you mean \"name\"?"))
        #expect(errors[1].contains("etcd, file, memory, static"))
        #expect(errors[4].contains("did you mean \"listen\"?"))
    }

    @Test func sectionsOfTheServiceAreLetPass() throws {
        let check = ConfigurationCheck(
            try Configuration(yaml: "app: {name: user}\ndatabase:\n  url: a\n  any: [1]\n", origin: "c.yaml")
        )
        #expect(check.errors.isEmpty)
        #expect(check.foreign.map(\.name) == ["database"])
        #expect(check.foreign.first?.location?.line == 3)
    }

    @Test func aBackendThatIsNotSelectedIsCheckedToo() throws {
        let errors = try errors("registry:\n  backend: file\n  etcd:\n    endpoint: [http://127.0.0.1:1]\n")
        #expect(errors.count == 1)
        #expect(errors.first?.contains("c.yaml:4:5") == true)
        #expect(errors.first?.contains("endpoints") == true)
    }

    @Test func nothingIsGood() throws {
        #expect(try errors("").isEmpty)
    }

    @Test(arguments: ["config/user-server.yaml", "config/user-client.yaml"]) func theSamplesAreGood(file: String) {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let check = ConfigurationCheck(file: root.appending(path: file).path(percentEncoded: false), environment: [:])
        #expect(check.errors.isEmpty)
        #expect(check.foreign.isEmpty)
    }
}

@Suite struct SourceExcerptTests {
    private func excerpt(_ line: Int, _ column: Int, keyPath: String? = nil, in text: String) -> [String]? {
        let location = SourceLocation(origin: "c.yaml", line: line, column: column)
        return SourceExcerpt(of: ConfigurationError(message: "", location: location, keyPath: keyPath), in: text)?.lines
    }

    @Test func theLineAndTheColumn() {
        #expect(
            excerpt(2, 3, in: "server:\n  grcp: {}\n") == ["  2 |   grcp: {}", "    |   ^"]
        )
    }

    @Test func noSuchLine() {
        #expect(excerpt(9, 1, in: "a\n") == nil)
    }

    @Test func secretsAreNotShown() {
        #expect(excerpt(1, 11, in: "password: hunter2") == nil)
        #expect(excerpt(1, 1, keyPath: "db.token", in: "[hunter2") == nil)
        #expect(excerpt(1, 1, in: "url: http://me:hunter2@host") == nil)
    }
}

@Suite struct ConfigurationPrinterTests {
    @Test func yaml() throws {
        let configuration = try Configuration(
            yaml: """
                app: {name: user-service, metadata: {weight: "10", note: "a: b"}}
                registry:
                  backend: etcd
                  etcd: {endpoints: ["http://a:1", "http://b:2"], password: hunter2}
                nodes: [{host: a, port: 1}, []]
                nothing:
                """,
            origin: "c.yaml"
        )
        let lines = ConfigurationPrinter.yaml(configuration.outline)
        #expect(
            lines.map { $0.text.trimmingSuffix(" ") } == [
                "app:", "  name: user-service", "  metadata:", "    weight: \"10\"", "    note: \"a: b\"",
                "registry:", "  backend: etcd", "  etcd:", "    endpoints:", "      - http://a:1", "      - http://b:2",
                "    password: \"***\"", "nodes:", "  - host: a", "    port: 1", "  - []", "nothing: null",
            ]
        )
        #expect(lines[1].origin == "  # c.yaml:1:13")
        // What is shown can be read again.
        let text = lines.map { $0.text + $0.origin }.joined(separator: "\n")
        let again = try Configuration(yaml: text)
        #expect(ConfigurationPrinter.json(again.outline) == ConfigurationPrinter.json(configuration.outline))
    }

    @Test func json() throws {
        let configuration = try Configuration(
            yaml: "a: 1\nb: \"1\"\nc: true\nd: ~\ne: [1.5, x, 0x10]\nf: \"q\\\"\\n\"\ntoken: abc\n"
        )
        #expect(
            ConfigurationPrinter.json(configuration.outline)
                == #"{"a":1,"b":"1","c":true,"d":null,"e":[1.5,"x","0x10"],"f":"q\"\n","token":"***"}"#
        )
    }

    @Test func originsOfAllLayers() throws {
        let configuration = try Configuration.load(
            files: [],
            environment: ["KIT_REGISTRY__BACKEND": "etcd"],
            overrides: ["app.name=user"]
        )
        let lines = ConfigurationPrinter.yaml(configuration.outline).map(\.origin)
        #expect(lines.contains("  # KIT_REGISTRY__BACKEND"))
        #expect(lines.contains("  # --set app.name"))
    }
}

extension String {
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        var text = self
        while text.last == character { text.removeLast() }
        return text
    }
}

/// The commands, as they are run.
@Suite(.timeLimit(.minutes(3))) struct ConfigCommandTests {
    @Test func check() async throws {
        let service = try TinyService("alpha")
        try service.write("app:\n  name: user\n", to: "good.yaml")
        try service.write("registry:\n  bakend: file\nserver: [\n", to: "broken.yaml")
        try service.write("registry:\n  bakend: file\n", to: "bad.yaml")
        let good = try await Kit.run(["config", "check", "\(service.path)/good.yaml"])
        #expect(good.exit == .exited(0))
        #expect(good.output == "\(service.path)/good.yaml: good\n")
        let bad = try await Kit.run(
            ["config", "check"] + ["good", "broken", "bad", "missing"].map { "\(service.path)/\($0).yaml" }
        )
        #expect(bad.exit == .exited(1))
        #expect(bad.output.contains("bad.yaml:2:3: registry.bakend: unknown key; did you mean \"backend\"?\n"))
        #expect(bad.output.contains("  2 |   bakend: file\n    |   ^\n"))
        #expect(bad.output.contains("missing.yaml: no such file"))
        #expect(bad.errors == "Error: 3 mistakes; see above\n")
    }

    @Test func show() async throws {
        let service = try TinyService("alpha")
        try service.write("registry: {etcd: {password: hunter2}}\n", to: "c.yaml")
        let result = try await Kit.run(
            ["config", "show", "--config", "\(service.path)/c.yaml", "--set", "app.name=user"],
            environment: ["KIT_SERVER__GRPC__LISTEN": "127.0.0.1:9000"]
        )
        #expect(result.exit == .exited(0))
        #expect(!result.output.contains("hunter2"))
        #expect(result.output.contains("# KIT_SERVER__GRPC__LISTEN"))
        #expect(result.output.contains("# --set app.name"))
        #expect(result.output.contains("# \(service.path)/c.yaml:1:"))
    }
}
