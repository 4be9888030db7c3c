import Foundation
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitCommand

/// `kit config diff` of files and profiles, as a process.
@Suite(.timeLimit(.minutes(3))) struct ConfigDiffCommandTests {
    @Test func filesDifferByPathWithOldAndNewValue() async throws {
        let directory = try TemporaryDirectory()
        let first = try directory.write(
            "app: {name: user, version: 1.0}\nregistry: {etcd: {password: one}}\nnames: [a]\nport: ${PORT}\n",
            to: "a.yaml")
        let second = try directory.write(
            "names: [a, b]\napp: {name: user}\nregistry: {etcd: {password: two}}\nport: ${PORT}\nnew: {a: 1}\n",
            to: "b.yaml")
        let result = try await Kit.run(["config", "diff", first, second])
        #expect(result.exit == .exited(1))
        #expect(
            Set(result.output.split(separator: "\n")) == [
                "- app.version: 1.0", "- registry.etcd.password: ***", "+ registry.etcd.password: ***", "- names: [a]",
                "+ names: [a, b]", "+ new.a: 1",
            ]
        )
        let same = try await Kit.run(["config", "diff", first, first])
        #expect(same.exit == .exited(0))
        #expect(same.output.isEmpty)
        let missing = try await Kit.run(["config", "diff", first, directory.path("none.yaml")])
        #expect(missing.exit == .exited(2))
        #expect(missing.errors.contains("none.yaml"))
    }

    @Test func profilesAreTheFileWithTheirsOverIt() async throws {
        let directory = try TemporaryDirectory()
        let base = try directory.write("log: {level: info}\n", to: "config.yaml")
        _ = try directory.write("log: {level: debug}\n", to: "config.staging.yaml")
        _ = try directory.write("app: {name: user}\n", to: "config.production.yaml")
        let result = try await Kit.run(["config", "diff", "staging", "production", "--config", base])
        #expect(result.exit == .exited(1))
        #expect(result.output == "- log.level: debug\n+ log.level: info\n+ app.name: user\n")
    }

    @Test func locationIsReadFromItsURL() {
        #expect(ConfigurationLocation(argument: "etcd:///config/user/")?.description == "etcd:///config/user")
        for text in ["etcd://host/config", "etcd:///", "config/config.yaml", ":///a"] {
            #expect(ConfigurationLocation(argument: text) == nil)
        }
    }
}

/// `kit config push`, `pull`, `history`, `rollback` and `diff` with a real etcd, as processes.
@Suite(.timeLimit(.minutes(4)), .enabled(if: EtcdServer.isAvailable())) struct ConfigStoreCommandTests {
    private static let place = "etcd:///config/user"

    private static func settings(_ etcd: EtcdServer) -> [String] {
        ["--set", "registry.etcd.endpoints=[\(etcd.endpoints.joined(separator: ", "))]"]
    }

    @Test func pushedDocumentIsReadAndCanBeRolledBack() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("log: {level: info}\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let settings = Self.settings(etcd)
            let push = ["config", "push", file, "--to", Self.place] + settings
            let asked = try await Kit.run(push)
            #expect(asked.exit == .exited(1))
            #expect(asked.errors.contains("add --yes"), "\(asked.errors)")
            let first = try await Kit.run(push + ["--yes"])
            #expect(first.exit == .exited(0), "\(first.errors)")
            #expect(first.output.contains("+ log.level: info\n"))
            #expect(first.output.hasSuffix("wrote etcd:///config/user/config.yaml, version 1\n"))
            #expect(try await Kit.run(push + ["--yes"]).output.hasSuffix(": nothing changes\n"))

            _ = try directory.write("log: {level: debug}\n", to: "c.yaml")
            let second = try await Kit.run(push + ["--yes", "--message", "look closer"])
            #expect(second.output.contains("- log.level: info\n+ log.level: debug\n"))
            let history = try await Kit.run(["config", "history", Self.place] + settings)
            let lines = history.output.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines[1].hasPrefix("2 ") && lines[1].hasSuffix("look closer"))

            #expect(try await Kit.run(["config", "diff", file, Self.place] + settings).exit == .exited(0))
            let back = try await Kit.run(["config", "rollback", Self.place, "--yes"] + settings)
            #expect(back.output.hasSuffix("version 3\n"), "\(back.errors)")
            let pulled = try await Kit.run(["config", "pull", Self.place] + settings)
            #expect(pulled.output == "log: {level: info}\n")

            let pull = ["config", "pull", Self.place, directory.path("p.yaml")] + settings
            let wrote = try await Kit.run(pull)
            #expect(wrote.output == "wrote \(directory.path("p.yaml"))\n", "\(wrote.errors)")
            #expect(try await Kit.run(pull).output == "\(directory.path("p.yaml")): nothing changes\n")
            _ = try directory.write("mine: 1\n", to: "p.yaml")
            let refused = try await Kit.run(pull)
            #expect(refused.exit == .exited(1))
            #expect(refused.errors.contains("add --yes to write"), "\(refused.errors)")
            #expect(try directory.read("p.yaml") == Array("mine: 1\n".utf8))
            #expect(try await Kit.run(pull + ["--yes"]).exit == .exited(0))
            #expect(try directory.read("p.yaml") == Array("log: {level: info}\n".utf8))
            let difference = try await Kit.run(["config", "diff", Self.place, file] + settings)
            #expect(difference.exit == .exited(1))
            #expect(difference.output == "- log.level: info\n+ log.level: debug\n")
        }
    }

    @Test func badFileIsNotPushed() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("log: {level: loud}\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let result = try await Kit.run(["config", "push", file, "--to", Self.place, "--yes"] + Self.settings(etcd))
            #expect(result.exit == .exited(1))
            #expect(result.output.contains("log.level: expected one of trace, "))
            // A document in a store cannot name a store.
            _ = try directory.write("config: {etcd: {prefix: /a}}\n", to: "c.yaml")
            let source = try await Kit.run(["config", "push", file, "--to", Self.place, "--yes"] + Self.settings(etcd))
            #expect(source.output.contains("config: only files, variables and --set name sources"))
            #expect(try await etcd.etcdctl("get", "/config", "--prefix", "--keys-only").isEmpty)
        }
    }

    /// The service reads it over its files.
    @Test func pushedFileIsCheckedOverTheConfigurationFile() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("server: {grpc: {tls: {key: other.pem}}}\n", to: "fleet.yaml")
        let base = try directory.write(
            "server: {grpc: {tls: {certificate: c.pem, key: k.pem}}}\nlog: {levl: info}\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let push = ["config", "push", file, "--to", Self.place, "--yes"] + Self.settings(etcd)
            let alone = try await Kit.run(push)
            #expect(alone.output.contains("TLS needs a certificate and its key"))
            let result = try await Kit.run(push + ["--config", base])
            #expect(result.exit == .exited(0), "\(result.output)\(result.errors)")
        }
    }

    @Test func showAndCheckReadTheSourcesThatTheFileNames() async throws {
        let directory = try TemporaryDirectory()
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user/app.yaml", "log: {level: debug}\nmine: {a: 1}")
            let file = try directory.write(
                "app: {name: user, version: '${mine.a}'}\nconfig: {etcd: {prefix: /config/user}}\n"
                    + "registry: {etcd: {endpoints: [\(etcd.endpoints.map { "'\($0)'" }.joined(separator: ", "))]}}\n",
                to: "c.yaml")
            let shown = try await Kit.run(["config", "show", "--config", file])
            #expect(shown.exit == .exited(0), "\(shown.errors)")
            #expect(shown.output.contains("# etcd /config/user/app.yaml:1:"))
            #expect(shown.output.contains("version: \"1\""))
            #expect(try await Kit.run(["config", "check", file]).exit == .exited(0))
            try await etcd.etcdctl("put", "/config/user/log.levl", "info")
            let bad = try await Kit.run(["config", "check", file])
            #expect(bad.exit == .exited(1))
            #expect(
                bad.output.contains("etcd /config/user/log.levl:1:1: log.levl: unknown key; did you mean \"level\"?"))
        }
    }

    @Test func sourceThatIsAwayIsNamedWithinALimit() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "app: {name: user}\nconfig: {etcd: {prefix: /config/user, timeout: 1s}}\n"
                + "registry: {etcd: {endpoints: ['http://127.0.0.1:1']}}\n", to: "c.yaml")
        let shown = try await Kit.run(["config", "show", "--config", file])
        #expect(shown.exit == .exited(0))
        #expect(shown.output.contains("name: user"))
        #expect(shown.errors.contains("kit: etcd /config/user is away: "), "\(shown.errors)")
        #expect(shown.errors.contains("; going on without its values"))
        let doctor = try await Kit.run(["doctor", "--json", "--config", file])
        #expect(doctor.output.contains("etcd /config/user is away: "))
    }
}
