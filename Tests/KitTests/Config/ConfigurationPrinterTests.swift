import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

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
