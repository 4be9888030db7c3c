import Foundation
import ServiceKit
import ServiceKitConfig
import ServiceKitEtcd
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

    @Test func differenceThatCannotBeShownIsNoDifference() async throws {
        let directory = try TemporaryDirectory()
        let (first, second) = (try directory.write("a: 1\n", to: "a.yaml"), try directory.write("a: 2\n", to: "b.yaml"))
        let line = "'\(Kit.path)' config diff '\(first)' '\(second)' > /dev/full"
        let failed = try await RunningProgram.run("/bin/sh", ["-c", line])
        #expect(failed.exit == .exited(2))
        #expect(failed.errors.contains("standard output cannot be written"), "\(failed.errors)")
        for sides in [["", ""], [first, ""]] {
            let empty = try await Kit.run(["config", "diff"] + sides)
            #expect(empty.exit == .exited(2))
            #expect(empty.errors.contains("a side is empty; name a file, a profile or a store"))
        }
    }

    /// A reader sees what is there, on a line of a sensible length.
    @Test func differenceIsReadable() async throws {
        let directory = try TemporaryDirectory()
        let long = String(repeating: "x", count: 100_000)
        let first = try directory.write("server:\n", to: "a.yaml")
        let second = try directory.write("log:\nmine: {long: \(long), \"a\u{202E}b\": \"c\u{202E}d\"}\n", to: "b.yaml")
        let result = try await Kit.run(["config", "diff", first, second])
        #expect(result.exit == .exited(1))
        #expect(
            result.output == "+ mine.long: \(String(repeating: "x", count: 1024))…\n+ mine.a\\u{202E}b: \"c\\u202ed\"\n"
        )
    }

    private func refusal(_ text: String) -> String? {
        ServiceKitCommand.Kit.$plugins.withValue([Plugin.etcd]) {
            do {
                _ = try ConfigurationLocation(parsing: text)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    @Test func locationIsReadFromItsURL() throws {
        for text in ["etcd:///config/user", "etcd:///config/user/"] {
            let location = try ServiceKitCommand.Kit.$plugins.withValue([Plugin.etcd]) {
                try ConfigurationLocation(parsing: text)
            }
            #expect(location.description == "etcd:///config/user")
        }
    }

    @Test(arguments: [
        ("config/config.yaml", "is no store; write one as in etcd:///config/user-service"), ("://a", "is no store"),
        ("/config/user", "is no store"), ("consul:///config/user", "no store \"consul\" is linked into this program"),
        ("etcdd:///config/user", "did you mean \"etcd\"?"), ("etcd://host:2379/config", "names a host"),
        ("etcd://u:hunter2@host/config", "names a host"), ("etcd:///", "is no prefix"), ("etcd:////a", "is no prefix"),
        ("etcd:///a//b", "is no prefix"), ("etcd:///a/../b", "is no prefix"), ("etcd:///a/./b", "is no prefix"),
        ("etcd:///a b", "is no prefix"), ("etcd:///a?b=1", "is no prefix"), ("etcd:///a\n", "is no prefix"),
        ("etcd:///config/user/config.yaml", "names a document; leave its name out, or give it by --name"),
        ("etcd:///config/user.history", "has the versions of another store"),
    ])
    func oddLocationIsRefusedInPlainWords(text: String, words: String) {
        let refusal = refusal(text)
        #expect(refusal?.contains(words) == true, "\(refusal ?? "accepted")")
        #expect(refusal?.contains("hunter2") != true)
    }

    @Test(arguments: ["../a.yaml", "a/b.yaml", "..yaml", ".yaml", "a", "a.json", "a b.yaml", "/a.yaml", ""])
    func oddNameOfADocumentIsRefused(name: String) async throws {
        let result = try await Kit.run(["config", "history", "etcd:///config/user", "--name", name])
        #expect(result.exit == .exited(64))
        #expect(
            result.errors.contains("is no name of a document; write letters, digits and . - _, and .yaml at the end"))
    }

    @Test func wrongStoreOfACommandIsALineAboutTheCommandLine() async throws {
        for arguments in [["pull", "consul:///a"], ["diff", "consul:///a", "a.yaml"]] {
            let result = try await Kit.run(["config"] + arguments)
            #expect(result.exit == .exited(arguments[0] == "diff" ? 2 : 64))
            #expect(result.errors.contains("no store \"consul\" is linked into this program; there are: etcd"))
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

    /// The services that follow a document refuse it when it has become blank.
    @Test(arguments: ["", "# later\n", "---\n", "\u{FEFF}"])
    func blankFileIsNotPushedOverKeys(_ blank: String) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("log: {level: debug}\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let push = ["config", "push", file, "--to", Self.place, "--yes"] + Self.settings(etcd)
            #expect(try await Kit.run(push).exit == .exited(0))
            _ = try directory.write(blank, to: "c.yaml")
            let refused = try await Kit.run(push)
            #expect(refused.exit == .exited(1))
            #expect(
                refused.errors.contains("has no keys any more; if all of them shall go, write {}"), "\(refused.errors)")
            _ = try directory.write("{}\n", to: "c.yaml")
            #expect(try await Kit.run(push).exit == .exited(0))
        }
    }

    @Test func pushWhoseDifferenceCannotBeShownWritesNothing() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("log: {level: debug}\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let push = ["config", "push", file, "--to", Self.place, "--yes"] + Self.settings(etcd)
            let line = ([Kit.path] + push).map { "'\($0)'" }.joined(separator: " ") + " > /dev/full"
            let failed = try await RunningProgram.run("/bin/sh", ["-c", line])
            #expect(failed.exit == .exited(1))
            #expect(failed.errors.contains("standard output cannot be written"), "\(failed.errors)")
            #expect(try await etcd.etcdctl("get", "--prefix", "/config/user").isEmpty)
        }
    }

    @Test func emptyDocumentIsNoChangeOfComments() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("# nothing yet\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let push = ["config", "push", file, "--to", Self.place, "--yes"] + Self.settings(etcd)
            let first = try await RunningProgram.run(
                "/usr/bin/env", ["-u", "USER", "-u", "LOGNAME", Kit.path] + push)
            #expect(first.output.contains("\(Self.place)/config.yaml: is new, and sets no value\n"), "\(first.errors)")
            let history = try await Kit.run(["config", "history", Self.place, "--json"] + Self.settings(etcd))
            #expect(!history.output.contains("\"-@") && !history.output.contains("\"@"), "\(history.output)")
            _ = try directory.write("# nothing at all\n", to: "c.yaml")
            #expect(try await Kit.run(push).output.contains(": no value changes, only comments or layout\n"))

            let bad = try await etcd.etcdctl("put", "/config/user/config.yaml", "a: [")
            #expect(!bad.isEmpty)
            _ = try directory.write("a: 1\n", to: "c.yaml")
            #expect(try await Kit.run(push).exit == .exited(0))
            let back = try await Kit.run(["config", "rollback", Self.place, "3", "--yes"] + Self.settings(etcd))
            #expect(back.exit == .exited(1))
            #expect(
                back.errors.hasPrefix("Error: version 3 of \(Self.place)/config.yaml:2:1: a: YAML syntax"),
                "\(back.errors)")
        }
    }

    @Test func documentThatEtcdRefusesForItsSizeIsNamedWithTheLimit() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("a: \(String(repeating: "x", count: 900_000))\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let push = ["config", "push", file, "--to", Self.place, "--yes"] + Self.settings(etcd)
            let result = try await Kit.run(push)
            #expect(result.exit == .exited(1))
            #expect(
                result.errors.contains(
                    "/config/user/config.yaml would have 900004 bytes, and etcd refuses the request"),
                "\(result.errors)")
            #expect(result.errors.contains("keep the document below 700 KiB, split it by --name"))
            // What is below the limit fits, and its versions can be read.
            for number in 1...7 {
                _ = try directory.write("a: \(number)\(String(repeating: "x", count: 716_000))\n", to: "c.yaml")
                let good = try await Kit.run(push)
                #expect(good.exit == .exited(0), "\(good.errors)")
            }
            let history = try await Kit.run(["config", "history", Self.place] + Self.settings(etcd))
            #expect(history.output.split(separator: "\n").count == 8, "\(history.errors)")
        }
    }

    @Test func emptyStoreIsSaidToBeEmptyAtOnce() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("a: 1\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let result = try await Kit.run(["config", "diff", "etcd:///none", file] + Self.settings(etcd))
            #expect(result.exit == .exited(1))
            #expect(result.output == "+ a: 1\n")
            #expect(
                result.errors.contains("kit: etcd:///none is empty: no key begins with /none/\n"), "\(result.errors)")
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

    @Test func documentThatWasDeletedIsWrittenAgain() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("log: {level: info}\n", to: "c.yaml")
        try await EtcdServer.withServer { etcd in
            let settings = Self.settings(etcd) + ["--yes"]
            for level in ["info", "debug"] {
                _ = try directory.write("log: {level: \(level)}\n", to: "c.yaml")
                #expect(try await Kit.run(["config", "push", file, "--to", Self.place] + settings).exit == .exited(0))
            }
            try await etcd.etcdctl("del", "/config/user/config.yaml")
            let back = try await Kit.run(["config", "rollback", Self.place] + settings)
            #expect(back.output.hasPrefix("+ log.level: debug\n"), "\(back.output)\(back.errors)")
            let again = try await Kit.run(["config", "rollback", Self.place] + settings)
            #expect(again.output.contains(": nothing changes"), "\(again.output)\(again.errors)")
        }
    }

    /// The service reads the file together with the other keys.
    @Test func pushedFileIsCheckedWithTheOtherKeysOfTheStore() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("server: {grpc: {tls: {key: other.pem}}}\n", to: "fleet.yaml")
        try await EtcdServer.withServer { etcd in
            let push = ["config", "push", file, "--to", Self.place, "--yes"] + Self.settings(etcd)
            #expect(try await Kit.run(push).output.contains("TLS needs a certificate and its key"))
            try await etcd.etcdctl("put", "/config/user/server.grpc.tls.certificate", "c.pem")
            try await etcd.etcdctl("put", "/config/user/b.yaml", "a: [")
            let result = try await Kit.run(push)
            #expect(result.exit == .exited(0), "\(result.output)\(result.errors)")
            #expect(result.errors.contains("kit: etcd /config/user/b.yaml:"))
            #expect(result.errors.contains("; the file is checked without it\n"))
            // It takes the place of the stored document, and does not lie over it.
            _ = try directory.write("log: {level: info}\n", to: "fleet.yaml")
            #expect(try await Kit.run(push).output.contains("TLS needs a certificate and its key"))
        }
    }

    @Test(arguments: [("a/", "names a directory; name a file in it"), ("", "the name of the file is empty")])
    func oddNameOfAFileIsRefused(name: String, words: String) async throws {
        for arguments in [["pull", Self.place, name], ["init", name]] {
            let result = try await Kit.run(["config"] + arguments)
            #expect(result.exit == .exited(1))
            #expect(result.errors.contains(words), "\(result.errors)")
        }
    }

    @Test func documentIsPulledToStandardOutput() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.etcdctl("put", "/config/user/config.yaml", "a: 1")
            let pulled = try await Kit.run(["config", "pull", Self.place, "-"] + Self.settings(etcd))
            #expect(pulled.output == "a: 1")
        }
    }

    /// The service refuses to start with it.
    @Test func sourceThatNamesSourcesIsAMistake() async throws {
        let directory = try TemporaryDirectory()
        try await EtcdServer.withServer { etcd in
            let file = try directory.write(
                "config: {etcd: {prefix: /config/user}}\n"
                    + "registry: {etcd: {endpoints: [\(etcd.endpoints.map { "'\($0)'" }.joined(separator: ", "))]}}\n",
                to: "c.yaml")
            for (key, value) in [("app.yaml", "config: {etcd: {prefix: /a}}"), ("config.etcd.prefix", "/a")] {
                try await etcd.etcdctl("put", "/config/user/\(key)", value)
                let check = try await Kit.run(["config", "check", file])
                #expect(check.exit == .exited(1))
                #expect(check.output.contains("only files, variables and --set name sources"), "\(check.output)")
                try await etcd.etcdctl("del", "/config/user/\(key)")
            }
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
