import FoundationEssentials
import ServiceKitConfig
import Testing

@Suite struct SectionTests {
    struct Listener: ConfigurationSection, Equatable {
        var listen = "127.0.0.1:9000"
        var port: UInt16 = 1
        var idleTimeout: Duration? = nil
    }

    enum Backend: Codable, Equatable {
        case memory
        case file(directory: String)
        case etcd(endpoints: [URL], timeout: Duration)
    }

    enum Policy: String, Codable { case random, leastRequest = "least-request" }

    struct Settings: ConfigurationSection, Equatable {
        var name = "8080"
        var empty = ""
        var ratio = 0.1
        var precise: Float = 1.5
        var on = true
        var wait: Duration = .milliseconds(1500)
        var size: ByteCount = .mebibytes(4)
        var url = URL(string: "http://127.0.0.1:2379")
        var policy = Policy.leastRequest
        var backend = Backend.file(directory: "a")
        var labels = ["someKey": "a"]
        var numbers = [1, 2]
        var holes: [Int?] = [1, nil]
        var grpc = Listener(port: 9000)
        var http = Listener(port: 8000)
        var admin: Listener?
        var extra: [Listener] = [Listener()]
        var wide: Int128 = .max
        var uwide: UInt128 = .max
    }

    @Test(arguments: ["", "s:", "s: {}"])
    func emptyConfigurationGivesAllDefaults(yaml: String) throws {
        #expect(try Configuration(yaml: yaml).decode(Settings.self, at: "s") == Settings())
        #expect(try Configuration().decode(Settings.self, at: "") == Settings())
    }

    @Test func configuredValueReplacesTheDefault() throws {
        let yaml = """
            name: x
            wait: 2s
            labels: {other: b}
            numbers: [3]
            policy: random
            grpc: {listen: a}
            admin: {port: 5}
            extra: [{}, {port: 7}]
            """
        var expected = Settings()
        expected.name = "x"
        expected.wait = .seconds(2)
        expected.labels = ["someKey": "a", "other": "b"]
        expected.numbers = [3]
        expected.policy = .random
        expected.grpc.listen = "a"
        expected.admin = Listener(port: 5)
        expected.extra = [Listener(), Listener(port: 7)]
        #expect(try Configuration(yaml: yaml).decode(Settings.self, at: "") == expected)
    }

    /// "http:" without a value, for example because its keys are commented out.
    @Test func anEmptySectionHasTheDefaultsOfItsOwner() throws {
        let settings = try Configuration(yaml: "http:\nadmin:\n").decode(Settings.self, at: "")
        #expect(settings.http.port == 8000)
        #expect(settings.admin == nil)
    }

    struct Outermost: ConfigurationSection {
        struct Middle: ConfigurationSection {
            var listener = Listener(listen: "middle", port: 2)
        }
        var middle = Middle(listener: Listener(listen: "outer", port: 3))
    }

    @Test func theOutermostDefaultWins() throws {
        for yaml in ["middle: {listener: }", "middle: {listener: {}}", "middle:", ""] {
            let settings = try Configuration(yaml: yaml).decode(Outermost.self, at: "")
            #expect(settings.middle.listener == Listener(listen: "outer", port: 3), "\(yaml)")
        }
    }

    @Test func aSectionInAnotherTypeHasItsDefaultsToo() throws {
        struct Plain: Codable { var listener: Listener }
        #expect(try Configuration().decode(Plain.self, at: "").listener == Listener())
        #expect(try Configuration(yaml: "listener: {port: 3}").decode(Plain.self, at: "").listener.port == 3)
        #expect(
            try decodeValue([String: Listener].self, "{a: , b: {port: 4}}") == [
                "a": Listener(), "b": Listener(port: 4),
            ])
        #expect(try decodeValue(Listener?.self, "{port: 4}") == Listener(port: 4))
    }

    @Test func anotherEnumCaseReplacesTheDefaultOne() throws {
        func backend(_ yaml: String) throws -> Backend {
            try Configuration(yaml: "backend: \(yaml)").decode(Settings.self, at: "").backend
        }
        #expect(try backend("{memory: {}}") == .memory)
        #expect(try backend("{file: {directory: b}}") == .file(directory: "b"))
        #expect(try backend("{file: {}}") == .file(directory: "a"))
        #expect(try backend("{etcd: {endpoints: [], timeout: 1s}}") == .etcd(endpoints: [], timeout: .seconds(1)))
    }

    @Test(arguments: [
        ("grpc: {prt: 1}", "app.yaml:1:8: grpc.prt: unknown key; did you mean \"port\"?"),
        (
            "grpc: 5",
            "app.yaml:1:7: grpc: expected a mapping, found a text of 1 character; write it as in grpc: {port: …}"
        ),
        ("grpc: {port: 70000}", "app.yaml:1:14: grpc.port: expected an integer from 0 to 65535, found \"70000\""),
        ("grpc: {port: }", "app.yaml:1:14: grpc.port: expected an integer, found null"),
        ("name:", "app.yaml:1:6: name: expected text, found null"),
        ("extra: [{port: 1}, {port: x}]", "app.yaml:1:27: extra[1].port: expected an integer, found \"x\""),
        ("policy: rnd", "app.yaml:1:9: policy: expected a valid Policy, found \"rnd\""),
        ("backend: 5", "app.yaml:1:10: backend: expected a mapping, found a text of 1 character"),
    ])
    func errorsNameTheFileNotTheDefaults(yaml: String, error: String) {
        #expect(decodeError(Settings.self, yaml) == error)
    }

    /// A reader who gave the main option alone sees where it belongs. A text that fits several options is left alone.
    @Test(
        arguments: [
            (Listener.self, "v: 20ms", "; write it as in v: {idle-timeout: …}"),
            (Listener.self, "v: text", ""), (Settings.self, "v: 5", ""), (Listener.self, "v: [20ms]", ""),
        ] as [(any ConfigurationSection.Type, String, String)])
    func scalarInThePlaceOfASectionNamesItsForm(_ type: any ConfigurationSection.Type, yaml: String, advice: String) {
        let error = errorText { _ = try Configuration(yaml: yaml).decode(type, at: "v") }
        let start = "1:4: v: expected a mapping, found "
        #expect(
            error.contains(start) && error.contains("write it as") == !advice.isEmpty && error.hasSuffix(advice),
            "\(error)")
    }

    struct Unencodable: ConfigurationSection {
        init() {}
        init(from decoder: any Decoder) throws {}
        func encode(to encoder: any Encoder) throws { throw Broken() }
        struct Broken: Error, CustomStringConvertible { var description: String { "broken" } }
    }

    @Test func defaultsThatCannotBeEncodedAreNamed() {
        #expect(
            decodeError(Unencodable.self, "", at: "a") == "a: the defaults of Unencodable cannot be encoded: broken")
    }

    struct Window: ConfigurationSection, Validatable {
        struct Bounds: ConfigurationSection {
            var low = 1
            var high = 9
        }

        var bounds = Bounds()
        var name: String?

        func validate() throws(ConfigurationError) {
            if bounds.low > bounds.high { throw ConfigurationError(message: "above high", keyPath: "bounds.low") }
            if name == "" { throw ConfigurationError(message: "empty name", keyPath: "name") }
            if name == "none" { throw ConfigurationError(message: "no window") }
        }
    }

    @Test(arguments: [
        ("w: {bounds: {low: 10}}", "1:19: w.bounds.low: above high"),
        // The key at fault is not written: its section is.
        ("w: {bounds: {high: 0}}", "1:13: w.bounds.low: above high"), ("w:\n  name: ''", "2:9: w.name: empty name"),
        ("w: {name: none}", "1:4: w: no window"),
    ])
    func checkOfASectionNamesItsPlace(yaml: String, error: String) {
        #expect(decodeError([String: Window].self, yaml) == "app.yaml:\(error)")
    }

    @Test func checkOfASectionAcceptsWhatFits() throws {
        #expect(try Configuration(yaml: "w: {bounds: {low: 3}}").decode(Window.self, at: "w").bounds.low == 3)
        #expect(throws: Never.self) { try Configuration().decode(Window.self, at: "w") }
    }
}
