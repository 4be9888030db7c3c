import Foundation
import Glibc
import ServiceKitAuth
import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitGRPC
import ServiceKitHTTP
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

    /// A file that is there and cannot be a value is a mistake here too.
    @Test func fileThatCannotBeAValueIsAMistake() throws {
        let directory = try TemporaryDirectory()
        let large = try directory.write(String(repeating: "a", count: 65_537), to: "large")
        let binary = directory.path("binary")
        try Data([0xFF, 0xFE, 0]).write(to: URL(filePath: binary))
        let pipe = directory.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        for (file, words) in [
            (large, "is larger than 65536 bytes"), (binary, "is not in UTF-8"),
            (pipe, "is not a regular file; name a file"), ("/dev/null", "is not a regular file; name a file"),
            (directory.path, "is a directory; name a file in it"),
        ] {
            let yaml = "registry: {etcd: {username: u, password: '@file:\(file)'}}"
            let document = ConfigurationDocument(origin: "c.yaml", bytes: Array(yaml.utf8))
            let check = ConfigurationCheck(LayerStack(documents: [document]), plugins: [.etcd])
            #expect(check.unchecked == [])
            #expect(check.errors.map(\.keyPath) == ["registry.etcd.password"])
            #expect(check.errors.first?.message.contains(words) == true, "\(check.errors)")
        }
    }

    @Test func fileOfAnOptionThatIsMissingIsNoMistake() throws {
        let yaml = "registry: {etcd: {username: u, password-file: /no/such}}\nlog: {level: loud}"
        let check = ConfigurationCheck(try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.etcd])
        #expect(check.errors.map(\.keyPath) == ["log.level"])
        #expect(check.unchecked.map(\.keyPath) == ["registry.etcd.password-file"])
        #expect(check.unchecked.first?.message.contains("/no/such cannot be read: no such file") == true)
    }

    @Test func sectionThatIsAlmostThatOfTheKitIsNamed() throws {
        let check = ConfigurationCheck(
            try Configuration(yaml: "regsitry: {backend: etcd}\ndatabase: {}", origin: "c.yaml"), plugins: [.etcd])
        #expect(check.errors.isEmpty)
        #expect(check.foreign.map(\.similar) == ["registry", nil])
    }

    @Test func pathInThePlaceOfASectionIsWrittenNested() throws {
        #expect(
            try errors("log.level: debug\nserver: {grpc.listen: a}\nregistry: {etcd: {tls.ca: a}}") == [
                "c.yaml:1:1: log.level: unknown key; write it nested, as in log: {level: …}",
                "c.yaml:2:10: server.grpc.listen: unknown key; write it nested, as in grpc: {listen: …}",
                "c.yaml:3:19: registry.etcd.tls.ca: unknown key; write it nested, as in tls: {ca: …}",
            ])
    }

    @Test(arguments: ["abc", "", "-1", "1.5", "1_000", "99999999999999999999"])
    func weightThatIsNoNumberIsAMistake(_ weight: String) throws {
        let found = try errors("app: {metadata: {weight: '\(weight)'}}")
        #expect(
            found == [
                "c.yaml:1:26: app.metadata.weight: expected a whole number from 0, found \"\(weight)\"; 100 is the weight "
                    + "of an instance without one"
            ])
        #expect(try errors("app: {metadata: {weight: 0}}").isEmpty)
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

    /// It would count for no call, and nobody would know.
    @Test(arguments: [
        ("server: {timeouts: {methods: {GetUser: 1s}}}", "server.timeouts.methods"),
        ("server: {limit: {methods: {GetUser: 1}}}", "server.limit.methods"),
        ("server: {faults: {methods: {GetUser: {}}}}", "server.faults.methods"),
        ("client: {timeouts: {methods: {GetUser: 1s}}}", "client.timeouts.methods"),
        ("client: {retry: {idempotent: [/a.B/, GetUser]}}", "client.retry.idempotent"),
        ("clients: {a: {retry: {methods: {GetUser: {}}}}}", "clients.a.retry.methods"),
    ])
    func methodThatIsNoOperationIsAMistake(yaml: String, keyPath: String) throws {
        let errors = ConfigurationCheck(try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.etcd]).errors
        #expect(errors.map(\.keyPath) == [keyPath])
        #expect(errors.first?.message.hasPrefix("\"GetUser\" is no operation; write /user.v1.UserService/") == true)
    }

    /// A deny rule for such a text would let every call through.
    @Test(arguments: [
        (
            "server: {authorization: {rules: [{effect: deny, methods: [/a.B]}]}}",
            "server.authorization.rules[0].methods"
        ),
        ("server: {auth: {exempt: [/a.B]}}", "server.auth.exempt"),
        ("server: {auth: {exempt: [a.B]}}", "server.auth.exempt"),
        ("server: {timeouts: {methods: {/a.B: 1s}}}", "server.timeouts.methods"),
        ("server: {limit: {methods: {/a.B: 1}}}", "server.limit.methods"),
        ("server: {faults: {methods: {/a.B: {}}}}", "server.faults.methods"),
        ("server: {http: {methods: {/a.B: {}}}}", "server.http.methods"),
        ("client: {timeouts: {methods: {/a.B: 1s}}}", "client.timeouts.methods"),
        ("client: {timeouts: {methods: {/a.B/*: 1s}}}", "client.timeouts.methods"),
        ("client: {retry: {idempotent: [/a.B]}}", "client.retry.idempotent"),
        ("client: {retry: {idempotent: [/a.*]}}", "client.retry.idempotent"),
        ("client: {retry: {methods: {/a.B: {}}}}", "client.retry.methods"),
    ])
    func serviceWithoutItsSlashIsAMistake(yaml: String, keyPath: String) throws {
        let errors = ConfigurationCheck(
            try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.auth, .http]
        ).errors
        #expect(errors.map(\.keyPath) == [keyPath])
        let remedy = "is no operation; write /user.v1.UserService/GetUser, or /user.v1.UserService/"
        #expect(errors.first?.message.hasSuffix(remedy) == true, "\(errors)")
    }

    @Test(arguments: [
        "server: {authorization: {rules: [{methods: ['*']}, {methods: [/a.*, /, /a.B/, /a.B/C, /a.B/C*]}]}}",
        "server: {authorization: {rules: [{methods: [/http/*, /http/GET/, '/http/GET/files/{path=**}', /http/GET/v1/*]}]}}",
        "server: {auth: {exempt: ['*', /a.*, /http/GET/, /http/ANY/page]}}",
        "server: {timeouts: {methods: {/http/GET/: 1s, '/http/ANY/{path=**}': 1s, /http/GET: 1s, /a.B/: 1s}}}",
        "client: {retry: {idempotent: [/http/PUT, /http/, /a.B/]}}",
    ])
    func operationsServicesAndPatternsAreValid(yaml: String) throws {
        let errors = ConfigurationCheck(
            try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.auth, .http]
        ).errors
        #expect(errors.isEmpty)
    }

    /// Without an error the option would silently do nothing.
    @Test(arguments: [
        (
            "server: {rate-limit: {per-second: 5, by: header}}",
            "1:42: server.rate-limit.by: callers are known by a header, and none is named"
        ),
        ("server: {rate-limit: {by: header, header: 'X Key:'}}", "header: \"X Key:\" can be no header's name; write"),
        ("server: {rate-limit: {header: x-key}}", "server.rate-limit.header: the header counts only with by: header"),
        (
            "client: {lanes: {header: 'X Key:'}}",
            "client.lanes.header: \"X Key:\" can be no header's name; write letters"
        ),
        ("client: {lanes: {header: ''}}", "client.lanes.header: a header has a name; write"),
        ("client: {lanes: {label: ''}}", "client.lanes.label: a label has a name; write one"),
        (
            "client: {balancers: {consistent_hash: {header: 'X Key:'}}}",
            "client.balancers.consistent_hash.header: \"X Key:\" can be no"
        ),
        ("server: {faults: {header: 'X Key:'}}", "server.faults.header: \"X Key:\" can be no header's name"),
        (
            "client: {faults: {methods: {/a.B/: {header: ':a'}}}}",
            "client.faults.methods./a.B/.header: \":a\" can be no"
        ),
        (
            "server: {faults: {abort: {percentage: 10}}}",
            "1:39: server.faults.abort.percentage: without a status no call"
        ),
        ("server: {faults: {delay: {percentage: 10}}}", "server.faults.delay.percentage: without a duration no call"),
        ("server: {auth: {required: true}}", "1:27: server.auth.required: no caller is asked for a proof without jwt"),
        (
            "server: {auth: {jwt: {secret: 0123456789012345678901234567890123456789, algorithms: [RS256]}}}",
            "server.auth.jwt.algorithms: a secret serves only for HS256, so no token is accepted; add HS256"
        ),
        ("server: {auth: {jwt: {header: 'X Key:'}}}", "server.auth.jwt.header: \"X Key:\" can be no header's name"),
    ])
    func optionWithoutEffectIsAMistake(yaml: String, text: String) throws {
        let errors = ConfigurationCheck(
            try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.auth, .http]
        ).errors
        #expect(errors.count == 1 && "\(errors)".contains(text), "\(errors)")
    }

    @Test(arguments: [
        "server: {rate-limit: {by: header, header: X-Key}}", "client: {lanes: {header: x-md-global-lane, label: a}}",
        "server: {faults: {abort: {percentage: 0}, header: x-fault}}", "server: {auth: {required: false}}",
        "server: {auth: {exempt: [/a.B/]}}",
        "server: {auth: {required: true, jwt: {secret: 0123456789012345678901234567890123456789, algorithms: [HS256, RS256]}}}",
    ])
    func optionWithEffectIsValid(yaml: String) throws {
        let check = ConfigurationCheck(try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.auth, .http])
        #expect(check.errors.isEmpty)
    }

    /// Where the service runs it may be there.
    @Test func missingFileOfKeysIsANote() throws {
        let yaml = "server: {auth: {jwt: {jwks: {file: /nowhere/keys.json}}}}"
        let check = ConfigurationCheck(try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.auth])
        #expect(check.errors.isEmpty)
        #expect(
            check.unchecked.map(\.description) == [
                "c.yaml:1:36: server.auth.jwt.jwks.file: /nowhere/keys.json cannot be read: no such file; create it or name "
                    + "another one"
            ])
    }

    @Test func pluginsThatTheServiceNeedsAreNamed() throws {
        let yaml = "server: {auth: {required: false}, http: {}}"
        let check = ConfigurationCheck(try Configuration(yaml: yaml, origin: "c.yaml"), plugins: [.auth, .http])
        #expect(check.errors.isEmpty && check.pluginSections.map(\.plugin) == [".auth", ".http"])
        #expect(ConfigurationCheck(Configuration(), plugins: [.auth, .http]).pluginSections.isEmpty)
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
