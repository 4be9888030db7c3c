import FoundationEssentials
import ServiceKitConfig
import Testing

@Suite struct SecretTests {
    static let secret = "hunter2"

    @Test(arguments: [
        "password", "db-password", "passwd", "secret", "client-secret", "token", "api-token", "apikey", "api-key",
        "private-key", "privateKey", "API_KEY", "credentials", "auth", "authorization", "dsn", "cookie", "passphrase",
    ])
    func secretsAreInNoError(key: String) throws {
        let hidden =
            "app.yaml:1:\(key.count + 3): \(key): expected an integer, found a value (not shown: it may be secret)"
        #expect(decodeError([String: Int].self, "\(key): \(Self.secret)") == hidden)
        let errors = [
            decodeError([String: Int].self, "\(key): \(Self.secret)"),
            decodeError([String: Int].self, "\(key): '\(Self.secret)'"),
            decodeError([String: Bool].self, "\(key): \(Self.secret)"),
            decodeError([String: Duration].self, "\(key): \(Self.secret)"),
            decodeError([String: ByteCount].self, "\(key): \(Self.secret)"),
            decodeError([String: URL].self, "\(key): \(Self.secret)"),
            decodeError([String: [Int]].self, "\(key): \(Self.secret)"),
            decodeError([String: [Int]].self, "\(key): [\(Self.secret)]"),
            decodeError([String: [String: Int]].self, "\(key): {value: \(Self.secret)}"),
            decodeError([String: ScalarTests.Policy].self, "\(key): \(Self.secret)"),
            decodeError([String: Talkative].self, "\(key): \(Self.secret)"),
            decodeError([String: Int].self, "\(key): *\(Self.secret)"),
            decodeError([String: Int].self, "\(key): !\(Self.secret)"),
            decodeError([String: Int].self, "\(key): \"\(Self.secret)"),
            errorText { _ = try layered([:], ["\(key)=\(Self.secret)"]).decode([String: Int].self, at: "") },
            errorText { _ = try layered([:], ["\(key).a=*\(Self.secret)"]) },
            errorText { _ = try layered([:], ["\(key)=\(Self.secret)", "\(key).a=1"]) },
            errorText { _ = try layered([:], ["\(key) \(Self.secret)"]) },
            errorText { _ = try layered(["KIT_\(key.uppercased())": Self.secret]).decode([String: Int].self, at: "") },
        ]
        for error in errors {
            #expect(error != "no error")
            #expect(!error.contains(Self.secret), "\(error)")
        }
    }

    /// A type whose errors contain the value.
    struct Talkative: Decodable {
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "bad value \(text)")
        }
    }

    @Test func otherValuesAreShown() {
        #expect(decodeError([String: Talkative].self, "name: x") == "app.yaml:1:7: name: bad value x")
        #expect(
            decodeError([String: Int].self, "keyboard: x")
                == "app.yaml:1:11: keyboard: expected an integer, found \"x\"")
    }

    @Test func userInformationInURLsIsHidden() {
        let text = decodeError([String: Int].self, "endpoint: http://user:hunter2@host")
        #expect(text == "app.yaml:1:11: endpoint: expected an integer, found a value (not shown: it may be secret)")
    }

    @Test func printingAConfigurationShowsNothing() throws {
        let configuration = try Configuration(yaml: "name: hunter2")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), "\([configuration])", dumped] {
            #expect(!text.contains("hunter2"))
        }
    }

    struct Database: ConfigurationSection, Equatable {
        struct Login: Codable, Sendable, Equatable {
            var user: String
            var pin: Int
        }

        var code = Secret("builtin-hunter2")
        var number: Secret<Int>?
        var login: Secret<Login>?
        var policy: Secret<ScalarTests.Policy>?
        var talkative: Secret<TalkativeText>?
    }

    struct TalkativeText: Codable, Equatable {
        var text: String

        init(from decoder: any Decoder) throws {
            text = try decoder.singleValueContainer().decode(String.self)
            if text.contains("hunter2") { throw ConfigurationError(message: "bad value \(text)") }
        }
    }

    @Test func secretIsReadLikeItsValueAndNeverPrinted() throws {
        let configuration = try Configuration(
            yaml: "code: \"${CODE}\"\nnumber: 7\nlogin: {user: hunter2, pin: 1}\npolicy: random",
            environment: ["CODE": "hunter2"]
        )
        let database = try configuration.decode(Database.self, at: "")
        #expect(database.code.value == "hunter2")
        #expect(database.number?.value == 7)
        #expect(database.login?.value == Database.Login(user: "hunter2", pin: 1))
        #expect(try Configuration().decode(Database.self, at: "").code.value == "builtin-hunter2")
        var dumped = ""
        dump(database, to: &dumped)
        let json = try String(decoding: JSONEncoder().encode(database), as: UTF8.self)
        for text in [
            "\(database)", String(reflecting: database), "\(database.code)", dumped, json, "\(configuration.options)",
        ] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
        #expect("\(database.code)" == "***")
        #expect(configuration.options.first { $0.path == "code" }?.defaultValue == nil)
    }

    @Test(arguments: [
        "code: [hunter2]", "number: hunter2", "number: 'hunter2'", "login: {user: a, pin: hunter2}", "login: hunter2",
        "policy: hunter2", "talkative: hunter2",
    ])
    func secretIsInNoError(yaml: String) {
        let text = decodeError(Database.self, yaml)
        #expect(text.hasPrefix("app.yaml:1:"), "\(text)")
        #expect(!text.contains("hunter2"), "\(text)")
    }

    @Test func secretIsMaskedForTools() throws {
        let configuration = try Configuration(yaml: "code: a\nlogin: {user: b, pin: 1}")
        _ = try configuration.decode(Database.self, at: "")
        guard case .mapping(let entries) = configuration.outline, case .scalar(let code) = entries[0].value,
            case .mapping(let login) = entries[1].value, case .scalar(let user) = login[0].value
        else { throw CancellationError() }
        #expect(code.isSecret && user.isSecret)
    }

    /// A section that was null, and a list, differ as a whole.
    @Test(arguments: [
        ("a:\n  b:", "a:\n  b: {password: hidden, user: u}"), ("my:", "my: [{user: u, token: hidden}]"),
        ("my: {}", "my: {list: [x, {passwords: [hidden]}]}"), ("u:", "u: {address: 'http://me:hidden@host'}"),
    ])
    func differencesMaskSecretsBelowTheirPaths(earlier: String, later: String) throws {
        let differences = try Configuration(yaml: later).differences(since: Configuration(yaml: earlier))
        #expect(!differences.isEmpty)
        #expect(!differences.contains { "\($0)".contains("hidden") }, "\(differences)")
    }

    /// A key without a value of its own that a type reads may be the misspelt key of a secret.
    @Test(arguments: [
        "db: {pw: hunter2}", "db: {code: {deep: hunter2}}", "db: {code: [hunter2]}", "db: hunter2",
        "db: {policy: {a: [hunter2]}}", "db: code:hunter2", "db: {extra: [{a: hunter2}]}", "passwrd: hunter2",
        "a: {pasword: hunter2}", "a: {b: {secrt: hunter2}}", "a: [{toekn: hunter2}]",
        "a: &x hunter2\npassword: *x", "password: &x hunter2\na: [*x]", "a: &x {b: hunter2}\nsecret: *x",
    ])
    func valueOfAnUnknownKeyOrInTheWrongPlaceIsNotShown(yaml: String) throws {
        let configuration = try Configuration(yaml: yaml, origin: "app.yaml")
        configuration.register(Database.self, at: "db")
        #expect(Self.shownTexts(configuration.outline).allSatisfy { !$0.contains("hunter2") })
        for differences in [
            configuration.differences(since: Configuration()),
            try Self.registered("db: {}").differences(since: configuration),
        ] {
            #expect(!differences.isEmpty)
            #expect(!"\(differences)".contains("hunter2"), "\(differences)")
        }
        let error = errorText { _ = try configuration.decode(Database.self, at: "db") }
        #expect(!error.contains("hunter2"), "\(error)")
    }

    private static func registered(_ yaml: String) throws -> Configuration {
        let configuration = try Configuration(yaml: yaml)
        configuration.register(Database.self, at: "db")
        return configuration
    }

    private static func shownTexts(_ outline: ConfigurationOutline) -> [String] {
        switch outline {
        case .scalar(let scalar): scalar.isSecret ? [] : [scalar.text]
        case .sequence(let elements): elements.flatMap(shownTexts)
        case .mapping(let entries): entries.flatMap { shownTexts($0.value) }
        }
    }

    @Test(arguments: [
        "a: &x hunter2\npassword: *x", "password: &x hunter2\na: *x", "a: hunter2 {", "a: *hunter2", "a: !hunter2 b",
        "a: [hunter2", "a: {b: hunter2\nc: 1",
    ])
    func errorOfADocumentShowsNoValue(yaml: String) {
        let error = decodeError([String: [Int]].self, yaml)
        #expect(error != "no error" && !error.contains("hunter2"), "\(error)")
    }

    @Test func anchoredSecretIsInNoErrorOfAnotherKey() {
        for yaml in ["port: &x hunter2\npassword: *x", "password: &x hunter2\nport: *x"] {
            #expect(
                errorText { _ = try Configuration(yaml: yaml, origin: "app.yaml").decode(Int.self, at: "port") }
                    == "app.yaml:\(yaml.hasPrefix("port") ? "1:7" : "1:11"): port: expected an integer, found a value (not "
                    + "shown: it may be secret)")
        }
    }

    @Test(arguments: ["password:hunter2==", "etcd.password: hunter2=", "{password,hunter2}=1", "'hunter2'=1"])
    func overrideWithoutAPathIsNotShown(override: String) {
        let error = errorText { _ = try layered([:], [override]) }
        #expect(error == "--set: expected path=value, as in --set server.grpc.listen=127.0.0.1:9000")
    }

    @Test func pathOfAKeyFileIsNoSecret() throws {
        let shown = try Configuration(yaml: "client: {tls: {key: /run/key.pem}}").outline
        #expect(Self.shownTexts(shown) == ["/run/key.pem"])
        for yaml in ["db: {password-file: /run/p}", "DB_PASSWORD_FILE: /run/p", "tokenFile: /run/p"] {
            #expect(Self.shownTexts(try Configuration(yaml: yaml).outline) == ["/run/p"])
        }
        for yaml in [
            "password-file: 'http://me:hidden@host'", "secrets: {a-file: a}", "password-file: {a: b}",
            "password-fil: a", "password-files: [a]", "tls: {key: \"-----BEGIN PRIVATE KEY-----\\nMII\"}",
            "tls: {keys: a}", "auth: {tls: {key: a}}", "my-tls: {key: a}",
        ] {
            #expect(Self.shownTexts(try Configuration(yaml: yaml).outline) == [])
        }
    }
}
