import ServiceKitConfig
import Testing

/// The errors of checks of whole sections, which quote what they like.
@Suite struct SectionCheckSecretTests {
    struct Store: ConfigurationSection, Validatable {
        var prefix = "/"
        var user = ""
        var parts: [String] = []

        func validate() throws(ConfigurationError) {
            if !prefix.hasPrefix("/") {
                throw ConfigurationError(message: "\"\(prefix)\" does not begin with a slash", keyPath: "prefix")
            }
            if parts.contains("") { throw ConfigurationError(message: "\(parts) has a gap", keyPath: "parts") }
            if user == "root" { throw ConfigurationError(message: "root may not use \(prefix)") }
            if user == "nobody" { throw ConfigurationError(message: "nobody may not use a store", keyPath: "user") }
        }
    }

    private static let hidden = "invalid value (not shown: it may be secret)"

    private func error(_ yaml: String) -> String {
        errorText {
            let configuration = try Configuration(
                yaml: yaml, origin: "c.yaml", environment: ["A_TOKEN": "hunter2", "A_LONG_TOKEN": "/hunter2"])
            _ = try configuration.decode(Store.self, at: "store")
        }
    }

    @Test(arguments: [
        ("store: {prefix: \"${A_TOKEN}\"}", "c.yaml:1:17: store.prefix"),
        ("store: {prefix: \"x${A_TOKEN}\"}", "c.yaml:1:17: store.prefix"),
        ("store: {parts: [\"${A_TOKEN}\", '']}", "c.yaml:1:16: store.parts"),
        ("store: {user: root, prefix: \"${A_LONG_TOKEN}\"}", "c.yaml:1:8: store"),
        ("store: \"${my.secret}\"\nmy: {secret: {prefix: hunter2}}", "c.yaml:2:23: store.prefix"),
    ])
    func secretThatACheckQuotesIsNotShown(_ yaml: String, _ place: String) {
        #expect(error(yaml).hasPrefix(place))
        #expect(error(yaml).hasSuffix(": \(Self.hidden)"), "\(error(yaml))")
        #expect(!error(yaml).contains("hunter2"))
    }

    @Test(arguments: [
        ("store: {prefix: abc}", "\"abc\" does not begin with a slash"),
        ("store: {user: root}", "root may not use /"),
        // The secret is another value than the one at fault, and the message does not have it.
        ("store: {user: nobody, prefix: \"${A_LONG_TOKEN}\"}", "nobody may not use a store"),
    ])
    func otherMessagesAreShown(_ yaml: String, _ message: String) {
        #expect(error(yaml).hasSuffix(": \(message)"), "\(error(yaml))")
    }

    @Test func checkThatIsMadeLaterShowsNoSecretEither() throws {
        let configuration = try Configuration(
            yaml: "a: {b: \"${A_TOKEN}\", c: plain}", origin: "c.yaml", environment: ["A_TOKEN": "hunter2"])
        func error(_ message: String, at key: String?) -> String {
            errorText {
                try configuration.locatingErrors(at: "a") { throw ConfigurationError(message: message, keyPath: key) }
            }
        }
        #expect(error("no hunter2", at: "a.b") == "c.yaml:1:8: a.b: \(Self.hidden)")
        #expect(error("no hunter2", at: nil) == "c.yaml:1:4: a: \(Self.hidden)")
        #expect(error("no hunter2", at: "a.c").hasSuffix(Self.hidden))
        #expect(error("no plain", at: "a.c").hasSuffix("a.c: no plain"))
    }
}
