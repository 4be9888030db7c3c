import Foundation
import ServiceKitTestSupport
import Testing

/// The commands as processes.
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
        #expect(bad.output.contains("  2 |   bakend: …\n    |   ^\n"))
        #expect(bad.output.contains("missing.yaml: no such file"))
        #expect(bad.errors == "Error: 3 mistakes; see above\n")
    }

    /// A profile's file may have the half of a pair whose other half is in the file below it.
    @Test func checkReadsAllLayersLikeTheService() async throws {
        let directory = try TemporaryDirectory()
        let secret = try directory.write("p\n", to: "password")
        let base = try directory.write(
            "server: {grpc: {tls: {certificate: c.pem, key: k.pem}}}\nregistry: {etcd: {password-file: \(secret)}}\n",
            to: "config.yaml")
        let profile = try directory.write(
            "server: {grpc: {tls: {key: other.pem}}}\nregistry: {etcd: {username: u}}\n", to: "config.production.yaml")
        let all = try await Kit.run(["config", "check", profile, base])
        #expect(all.exit == .exited(1))
        #expect(all.output.hasPrefix("\(profile): good\n\(base):2:"))
        #expect(all.output.contains("registry.etcd.username: there is a password and no username"))
        for arguments in [["--config", base, "--profile", "production"], [base, "--profile", "production"]] {
            let result = try await Kit.run(["config", "check"] + arguments)
            #expect(result.output == "\(arguments[0] == base ? base : "\(base), \(profile)"): good\n")
            #expect(result.exit == .exited(0))
        }
        let set = try await Kit.run(
            ["config", "check", base, "--set", "registry.etcd.username=u", "--set", "log.level=loud"],
            environment: ["KIT_LOG__LEVELS": "{a: loud}"])
        #expect(set.exit == .exited(1))
        #expect(set.output.contains("--set log.level: expected one of "), "\(set.output)")
        #expect(set.errors == "Error: 2 mistakes; see above\n")
        let both = try await Kit.run(["config", "check", base, "--config", base])
        #expect(both.exit == .exited(64))
        let none = try await Kit.run(["config", "check", base, "--profile", "staging"])
        #expect(none.output.contains("config.staging.yaml: no such file"))
    }

    @Test func mistakeOfASharedFileIsPrintedOnce() async throws {
        let directory = try TemporaryDirectory()
        let files = try ["config.a.yaml", "config.b.yaml", "config.yaml"].map {
            try directory.write("log: {}\n", to: $0)
        }
        try directory.write("log: {levl: info}\n", to: "config.yaml")
        let result = try await Kit.run(["config", "check"] + files)
        #expect(result.errors == "Error: 1 mistake; see above\n")
        #expect(result.output.components(separatedBy: "levl").count == 2, "\(result.output)")
    }

    @Test func placeholderIsAMistakeOnlyIfItsFormIsWrong() async throws {
        let service = try TinyService("alpha")
        try service.write("app:\n  name: ${NAME\n", to: "c.yaml")
        let result = try await Kit.run(["config", "check", "\(service.path)/c.yaml"])
        #expect(result.exit == .exited(1))
        #expect(result.output.contains("c.yaml:2:9: app.name: a placeholder has no closing brace; "))
        #expect(result.output.contains("  2 |   name: …\n    |         ^\n"))
        try service.write("app:\n  name: ${NOT_SET_HERE}\n", to: "c.yaml")
        let good = try await Kit.run(["config", "check", "\(service.path)/c.yaml"])
        #expect(good.exit == .exited(0))
        #expect(good.output.contains("c.yaml:2:9: app.name: the environment variable NOT_SET_HERE is not set; "))
        #expect(good.output.contains("; note: not checked here\n"))
    }

    @Test func fileInAnotherEncodingShowsNoLine() async throws {
        let service = try TinyService("alpha")
        let file = "\(service.path)/c.yaml"
        try Data([0xFF, 0xFE, 0x61, 0, 0x3A, 0]).write(to: URL(filePath: file))
        let result = try await Kit.run(["config", "check", file])
        #expect(result.exit == .exited(1))
        #expect(result.output == "\(file):1:1: saved as UTF-16 (little-endian); save it as UTF-8\n")
    }

    @Test func showInJSON() async throws {
        let service = try TinyService("alpha")
        try service.write(
            "app: {version: 1.10, metadata: {commit: 1e10, weight: 010}}\nserver: {grpc: {reflection: true}}\n"
                + "client: {retry: {attempts: 0x3}, balancr: p2c}\nlog:\nmine: {a: 1.10, b: 2}\n"
                + "clients: {user: {retry: {attempts: 0x3}, tls: {server-name: 1.10}}}\n",
            to: "c.yaml"
        )
        let result = try await Kit.run(
            ["config", "show", "--json", "--config", "\(service.path)/c.yaml", "--set", "app.id=1_000"],
            environment: ["KIT_REGISTRY__ETCD__ENDPOINTS": "http://a:1,http://b:2", "KIT_REGISTRY__ETCD__TTL": "15s"]
        )
        #expect(result.exit == .exited(0))
        #expect(
            result.output == #"{"app":{"version":"1.10","metadata":{"commit":"1e10","weight":"010"},"id":"1_000"},"#
                + #""server":{"grpc":{"reflection":true}},"client":{"retry":{"attempts":3},"balancr":"***"},"#
                + #""mine":{"a":"1.10","b":2},"#
                + #""clients":{"user":{"retry":{"attempts":3},"tls":{"server-name":"1.10"}}},"#
                + #""registry":{"etcd":{"endpoints":["http://a:1","http://b:2"],"ttl":"15s"}}}"#
                + "\n"
        )
    }

    @Test func valueThatCannotBeReadHidesNoOther() async throws {
        let service = try TinyService("alpha")
        let file = "\(service.path)/c.yaml"
        try service.write("app: {name: user}\nregistry: {etcd: {password: '@file:/no/such'}}\n", to: "c.yaml")
        let result = try await Kit.run(["config", "show", "--config", file])
        #expect(result.exit == .exited(1))
        #expect(result.output.contains("name: user"))
        #expect(!result.output.contains("password"))
        #expect(
            result.errors == "kit: \(file):2:29: registry.etcd.password: cannot read the file /no/such: no such file; "
                + "create it or name another one; the value is left out\n")
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
