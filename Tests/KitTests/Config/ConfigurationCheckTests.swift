import Foundation
import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitGRPC
import ServiceKitTestSupport
import Testing

@testable import ServiceKit
@testable import ServiceKitCommand

@Suite struct ConfigurationCheckTests {
    private func errors(_ yaml: String) throws -> [String] {
        ConfigurationCheck(try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.etcd]).errors.map(\.description)
    }

    @Test func optionsOfSingleServicesAreChecked() throws {
        let errors = try errors(
            """
            client: {balancer: p2c}
            clients:
              user-service: {balancer: p3c, tls: {server-name: 1.10}}
              user.v1: {retry: {attempt: 1}, timeouts: {default: 1}}
              order-service: {balancers: {p2c: {decai: 1s}}}
              "no service": {}

            """)
        let expected = [
            "c.yaml:3:28: clients.user-service.balancer: no balancer \"p3c\" is linked",
            "c.yaml:4:21: clients.user.v1.retry.attempt: unknown key; did you mean \"attempts\"?",
            "c.yaml:4:54: clients.user.v1.timeouts.default: expected a duration",
            "c.yaml:5:37: clients.order-service.balancers.p2c.decai: unknown key",
            "c.yaml:6:17: clients.no service: service name \"no service\" is not valid",
        ]
        #expect(errors.count == expected.count, "\(errors)")
        for (error, start) in zip(errors, expected) { #expect(error.hasPrefix(start), "\(error)") }
    }

    @Test func allMistakesAreReported() throws {
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
                max-connections: many
            client:
              balancr: p2c
            shutdown:
              drain-timeout: 3
            """
        )
        let places = errors.map { $0.split(separator: " ").first ?? "" }
        #expect(
            places == [
                "c.yaml:2:3:", "c.yaml:4:12:", "c.yaml:5:12:", "c.yaml:7:10:", "c.yaml:10:5:", "c.yaml:11:22:",
                "c.yaml:13:3:", "c.yaml:15:18:",
            ]
        )
        #expect(errors[0].contains("did you mean \"name\"?"))
        #expect(errors[1].contains("etcd, file, memory, static"))
        #expect(errors[4].contains("did you mean \"listen\"?"))
    }

    @Test func sectionsOfTheServiceAreLetPass() throws {
        let check = ConfigurationCheck(
            try Configuration(yaml: "app: {name: user}\ndatabase:\n  url: a\n  any: [1]\n", origin: "c.yaml"),
            plugins: [.etcd]
        )
        #expect(check.errors.isEmpty)
        #expect(check.foreign.map(\.name) == ["database"])
        #expect(check.foreign.first?.location?.line == 3)
    }

    @Test func unselectedBackendIsChecked() throws {
        let errors = try errors("registry:\n  backend: file\n  etcd:\n    endpoint: [http://127.0.0.1:1]\n")
        #expect(errors.count == 1)
        #expect(errors.first?.contains("c.yaml:4:5") == true)
        #expect(errors.first?.contains("endpoints") == true)
    }

    @Test func advertisedAddressIsChecked() throws {
        let errors = try errors(
            "app:\n  advertise: {host: 0.0.0.0, cidr: 10.0.0.0/33}\nserver:\n  grpc:\n    advertise: a b\n")
        #expect(errors.map { $0.split(separator: " ").first } == ["c.yaml:2:21:", "c.yaml:2:36:", "c.yaml:5:16:"])
    }

    @Test func optionsOfBalancersAreChecked() throws {
        let errors = try errors("client:\n  balancer: p3c\n  balancers:\n    p2c: {decai: 1s}\n    ring: {}\n")
        #expect(errors.map { $0.split(separator: " ").first } == ["c.yaml:2:13:", "c.yaml:4:11:", "c.yaml:5:11:"])
        #expect(errors.first?.contains("did you mean \"p2c\"?") == true)
        #expect(errors.last?.contains("here are: \(Balancers.embedded.names.joined(separator: ", "))") == true)
    }

    /// The error of a service that has the kit's sections and these variables.
    private func serviceError(_ environment: [String: String]) throws -> String? {
        let configuration = try Configuration.load(files: [], environment: environment)
        do {
            let app = try ServiceKit.App(
                configuration: configuration, plugins: [.etcd], logger: .silent, environment: environment)
            try ConfigurationSections(plugins: [.grpc]).check(configuration)
            _ = try app.makeLifecycle()
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// `kit doctor` reads all layers, like a service.
    @Test(arguments: [
        (["KIT_REGISTRY_BACKEND": "etcd"], "write KIT_REGISTRY__BACKEND"),
        (["KIT_SERVER_GRPC_LISTEN": "127.0.0.1:0"], "write KIT_SERVER__GRPC__LISTEN"),
        (["KIT_REGISTRY_PORT": "80"], "known keys of registry: backend, "),
        (["KIT_CLIENT_BALANCR": "p2c"], "did you mean KIT_CLIENT__BALANCER?"),
        (["KIT_REGISTRY_ETCD_TTL": "5s"], "begin with KIT_REGISTRY__ETCD__"),
        (["KIT_SHUTDOWN__DRAIN__TIMEOUT": "5s"], "write KIT_SHUTDOWN__DRAIN_TIMEOUT"),
        (["KIT_REGISTRY_PORT": "tcp://10.0.0.1:80", "KIT_REGISTRY_SERVICE_HOST": "10.0.0.1"], nil),
        (["KIT_SERVER_SERVICE_PORT_GRPC": "80"], nil), (["KIT_HOME": "/opt/kit"], nil),
        (["KIT_CONFIG_PORT_80_TCP_ADDR": "10.0.0.1", "KIT_APP_NAME": "/web/kit-app"], nil),
    ])
    func checkReportsTheErrorsOfAService(environment: [String: String], advice: String?) throws {
        let errors = ConfigurationCheck(try Configuration.load(files: [], environment: environment), plugins: [.etcd])
            .errors
        let ofService = try serviceError(environment)
        #expect(errors.map(\.description) == (ofService.map { [$0] } ?? []))
        if let advice {
            #expect(ofService?.contains(advice) == true, "\(ofService ?? "")")
        } else {
            #expect(ofService == nil)
        }
    }

    @Test func mistakesInPlaceholdersAreReportedBesideOthers() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            app: {name: "${", id: "${NOT_SET_HERE}"}
            registry:
              timeout: ${NOT_SET_HERE:soon}
              bakend: x
            mine:
              a: ["${mine.a}"]
            """,
            to: "c.yaml")
        let check = ConfigurationCheck(
            LayerStack(documents: try ConfigurationFile.documents(at: [file])), plugins: [.etcd])
        #expect(check.errors.map { $0.location?.line } == [1, 3, 4, 6])
        #expect(check.errors.map(\.keyPath) == ["app.name", "registry.timeout", "registry.bakend", "mine.a[0]"])
        #expect(check.unchecked.map(\.keyPath) == ["app.id"])
    }

    /// What only the service has, such as a secret, is no mistake, and neither is what then seems to be missing.
    @Test(arguments: [
        ("registry: {etcd: {username: u, password: \"${NOT_SET_HERE}\"}}", ["registry.etcd.password"]),
        ("registry: {etcd: {username: u, password: '@file:/no/such/file'}}", ["registry.etcd.password"]),
        ("my: {p: \"${NOT_SET_HERE}\"}\nregistry: {etcd: {username: u, password: \"${my.p}\"}}", ["my.p"]),
        ("client: {tls: {certificate: c, key: \"${NOT_SET_HERE}\"}}", ["client.tls.key"]),
        ("clients: {a: {tls: {certificate: c, key: \"${NOT_SET_HERE}\"}}}", ["clients.a.tls.key"]),
        ("server: {grpc: {tls: {certificate: c, key: \"${NOT_SET_HERE}\"}}}", ["server.grpc.tls.key"]),
        ("config: {etcd: {prefix: \"${NOT_SET_HERE}\"}}", ["config.etcd.prefix"]),
        ("registry: {etcd: {endpoints: [\"${NOT_SET_HERE}\"]}}", ["registry.etcd.endpoints[0]"]),
    ])
    func valueThatIsNotKnownHereMakesNoOtherMistake(yaml: String, unchecked: [String]) {
        let document = ConfigurationDocument(origin: "c.yaml", bytes: Array(yaml.utf8))
        let check = ConfigurationCheck(LayerStack(documents: [document]), plugins: [.etcd])
        #expect(check.errors == [])
        #expect(check.unchecked.map(\.keyPath) == unchecked)
    }

    @Test(arguments: [
        (
            "registry: {etcd: {username: u, password: [a]}}\nlog: {level: loud}",
            ["registry.etcd.password", "log.level"]
        ),
        ("client: {tls: {certificate: c, key: {}}}\nlog: {level: loud}", ["client.tls.key", "log.level"]),
    ])
    func mistakeMakesNoOther(yaml: String, keyPaths: [String]) throws {
        #expect(
            ConfigurationCheck(try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.etcd]).errors.map(\.keyPath)
                == keyPaths)
    }

    @Test func mistakeOfAWholeSectionHidesNoOtherSection() throws {
        #expect(
            try errors("config: {etcd: {mode: optional}}\nregistry: {etcd: {username: u}}\nlog: {level: loud}")
                .map { $0.split(separator: " ")[1] } == [
                    "config.etcd.prefix:", "registry.etcd.password:", "log.level:",
                ])
    }

    @Test func emptyFileIsValid() throws {
        #expect(try errors("").isEmpty)
    }

    @Test(arguments: ["config/user-server.yaml", "config/user-client.yaml"]) func theSamplesAreGood(file: String) throws
    {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appending(path: file).path(percentEncoded: false)
        let check = ConfigurationCheck(
            LayerStack(documents: try ConfigurationFile.documents(at: [path])), plugins: [.etcd])
        #expect(check.errors.isEmpty)
        #expect(check.foreign.isEmpty)
    }
}

@Suite struct SourceExcerptTests {
    private func excerpt(_ line: Int, _ column: Int, keyPath: String? = nil, in text: String) -> [String]? {
        let location = SourceLocation(origin: "c.yaml", line: line, column: column)
        return SourceExcerpt(of: ConfigurationError(message: "", location: location, keyPath: keyPath), in: text)?.lines
    }

    @Test func theKeyOfTheLineAndTheColumn() {
        #expect(excerpt(2, 3, in: "server:\n  grcp: {}\n") == ["  2 |   grcp: …", "    |   ^"])
        #expect(excerpt(1, 1, in: "srver:\r\n  grpc: {}\n") == ["  1 | srver:", "    | ^"])
        #expect(excerpt(1, 12, in: "- timeout: 5 # why") == ["  1 | - timeout: …", "    |            ^"])
    }

    @Test func noSuchLine() {
        #expect(excerpt(9, 1, in: "a\n") == nil)
    }

    @Test(arguments: [
        "passwrd: hunter2", "a: {pasword: hunter2, ttl: 1x}", "\"p\\x61ssword\": hunter2", "- hunter2", "hunter2",
        "url: http://me:hunter2@host", "password:hunter2", "a: &x hunter2", "{\"hunter2\": 1}", "hunter2\"",
        "? hunter2",
    ])
    func valueIsNotShown(line: String) {
        for column in [1, 9, 40] {
            #expect(!(excerpt(1, column, in: line) ?? []).joined().contains("hunter2"))
        }
    }

    @Test func noLineOfASecretIsShown() {
        #expect(excerpt(1, 1, keyPath: "db.token", in: "hunter2: 1") == nil)
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
        // The shown text can be read again.
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

    /// The JSON of a value of a section that no type has read.
    private func json(_ value: String) throws -> String {
        let text = ConfigurationPrinter.json(try Configuration(yaml: "mine: {v: \(value)}").outline)
        return String(text.dropFirst(#"{"mine":{"v":"#.count).dropLast(2))
    }

    @Test(arguments: [
        "0", "8080", "-7", "1.5", "0.1", "-0.25", "9007199254740991", "-9007199254740991", "true", "false",
    ])
    func unambiguousScalarKeepsItsJSONType(value: String) throws {
        #expect(try json(value) == value)
    }

    @Test(arguments: [
        "1.10", "1.0", "1e10", "1E3", "1e400", "0x1F", "0o17", "010", "1_000", "+5", ".5", "5.", "-0", "-0.0", "-.5",
        ".inf",
        "-.inf", ".nan", "9007199254740993", "9223372036854775807", "18446744073709551615",
        "123456789012345678901234567890",
        "0.1234567890123456789", "2024-01-01", "2024-01-01T10:00:00Z", "12:30:45", "on", "off", "yes", "No", "True",
        "FALSE",
        "1.2.3", "0b11", "Infinity", "NaN", "nil",
    ])
    func ambiguousScalarBecomesJSONText(value: String) throws {
        #expect(try json(value) == "\"\(value)\"")
        #expect(try json("'\(value)'") == "\"\(value)\"")
    }

    @Test(arguments: ["~", "null", "Null", "NULL", ""]) func nullIsNull(value: String) throws {
        #expect(try json(value) == "null")
        #expect(try json("'\(value)'") == "\"\(value)\"")
        let variable = try Configuration.load(files: [], environment: ["KIT_V": value])
        #expect(ConfigurationPrinter.json(variable.outline) == #"{"v":"\#(value)"}"#)
    }

    /// Each value has the type of the property that reads it.
    @Test func theSchemaSaysTheType() throws {
        struct Section: ConfigurationSection {
            var text = ""
            var optional: String?
            var labels: [String: String] = [:]
            var integers: [Int] = []
            var large: UInt64 = 0
            var fractions: [Double] = []
            var flag = false
            var time = Duration.seconds(1)
            var size = ByteCount(1)
            var names: [String] = []
        }
        let yaml = """
            s:
              text: 1.10
              optional: 1e10
              labels: {a: 0x1F, b: on, c: ~, d: 5, e: "6", f: true, g: -0}
              integers: [0x1F, +5, -0, 0o17, 9223372036854775807]
              large: 18446744073709551615
              fractions: [1, 1.10, .5, 5., 1e3, .inf, -0]
              flag: true
              time: 0
              size: 512
              names: []
            """
        let file = try TemporaryDirectory()
        let configuration = try Configuration.load(
            files: [try file.write(yaml, to: "c.yaml")],
            environment: ["KIT_S__NAMES": "1,2.0", "KIT_S__LABELS__H": "1.10"],
            overrides: ["s.labels.i=1.10"]
        )
        // Null is not a text.
        _ = try? configuration.decode(Section.self, at: "s")
        _ = try configuration.without("s.labels.c")?.decode(Section.self, at: "s")
        #expect(
            ConfigurationPrinter.json(configuration.outline) == #"{"s":{"text":"1.10","optional":"1e10","#
                + #""labels":{"a":"0x1F","b":"on","c":null,"d":"5","e":"6","f":"true","g":"-0","h":"1.10","i":"1.10"},"#
                + #""integers":[31,5,0,15,9223372036854775807],"large":18446744073709551615,"#
                + #""fractions":[1,1.10,0.5,5.0,1e3,".inf",-0],"flag":true,"time":"0","size":"512","names":["1","2.0"]}}"#
        )
        let lines = ConfigurationPrinter.yaml(configuration.outline).map(\.text)
        #expect(lines.contains { $0.hasPrefix("  text: \"1.10\"") })
        #expect(lines.contains { $0.hasPrefix("    - \"2.0\"") })
        let again = try Configuration(yaml: lines.joined(separator: "\n")).without("s.labels.c")
        #expect(try again?.decode(Section.self, at: "s").integers == [31, 5, 0, 15, .max])
    }

    @Test func textThatBeginsWithABracketIsText() throws {
        let configuration = try Configuration.load(files: [], environment: ["KIT_V": "[::1]", "KIT_W": "[1]"])
        _ = try configuration.decode(String.self, at: "v")
        #expect(ConfigurationPrinter.json(configuration.outline) == #"{"v":"[::1]","w":[1]}"#)
    }

    /// The shown text reads back the same, even if a file spells a value differently from a variable.
    @Test(arguments: ["${NAME}", "$${NAME}", "null", "~", "", "on", "1.10", "- a", "-7", "a: b", "\u{1}é"])
    func shownYAMLReadsBackTheSame(value: String) throws {
        let configuration = try Configuration.load(files: [], environment: ["KIT_V": value])
        for isRead in [false, true] {
            if isRead { _ = try configuration.decode(String.self, at: "v") }
            let text = ConfigurationPrinter.yaml(configuration.outline).map(\.text).joined(separator: "\n")
            #expect(try Configuration(yaml: text).decode(String.self, at: "v") == value)
        }
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
