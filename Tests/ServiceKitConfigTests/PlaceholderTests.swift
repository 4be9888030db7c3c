@testable import ServiceKitConfig
import Testing

/// `${NAME}`, `${a.b}` and `@file:` in files.
@Suite struct PlaceholderTests {
    private static let variables = [
        "NAME": "north", "PORT": "9000", "EMPTY": "", "LIST": "a,b", "YAML": "[1, 2]", "NESTED": "${PORT}",
        "DB_PASSWORD": "hunter2",
        "FILE": "@file:/etc/passwd",
    ]

    private static func configuration(
        _ yaml: String,
        files: [String: [UInt8]] = [:]
    ) throws(ConfigurationError) -> Configuration {
        let document = ConfigurationDocument(origin: "app.yaml", bytes: Array(yaml.utf8))
        return try LayerStack(documents: [document], environment: variables).merged { path throws(ConfigurationError) in
            guard let contents = files[path] else { throw ConfigurationError(message: "no such file") }
            return contents
        }
    }

    @Test(arguments: [
        ("${NAME}", "north"), ("\"${NAME}\"", "north"), ("${PORT}", "9000"), ("${EMPTY}", ""),
        ("a-${NAME}-${PORT}", "a-north-9000"), ("'${NAME}:${PORT}'", "north:9000"), ("\"${NAME}\\n\"", "north\n"),
        // A default may hold colons and slashes, be empty, and hold placeholders.
        ("${NO:}", ""), ("${NO:http://h:80/p?a=b}", "http://h:80/p?a=b"), ("x${NO:}y", "xy"),
        ("${NO:${NAME}}", "north"),
        ("${NO:${NOT:a}-b}", "a-b"), ("${NO:a$${b}", "a${b"), ("${EMPTY:default}", ""), ("\"${NO: }\"", " "),
        // Other values of the tree.
        ("${x.text}", "west"), ("${x.text}/${x.number}", "west/7"), ("${x.none:d}", "d"), ("${x.null:d}", "d"),
        ("${x.copy.text}", "west"), ("${x.indirect}!", "r!"), ("${root}", "r"), ("${x.text.deeper:d}", "d"),
        // What replaces a placeholder is not looked into again.
        ("${NESTED}", "${PORT}"), ("${FILE}", "@file:/etc/passwd"), ("${x.escaped}", "${PORT}"),
        // The texts themselves.
        ("$${NAME}", "${NAME}"), ("a$${b}$${c", "a${b}${c"), ("$$${x}", "$${x}"), ("'$${'", "${"),
        ("$x $ {y} $$ }{ $", "$x $ {y} $$ }{ $"), ("\"@@file:/x\"", "@file:/x"), ("a@file:/x", "a@file:/x"),
        ("\"@@x\"", "@@x"),
    ])
    func placeholderIsReplaced(value: String, text: String) throws {
        let yaml = """
            x: {text: west, number: 7, null: ~, copy: "${y}", indirect: "${root}", escaped: "$${PORT}"}
            y: {text: "${x.text}"}
            root: r
            v: &v \(value)
            w: *v
            """
        let configuration = try Self.configuration(yaml)
        #expect(try configuration.decode(String.self, at: "v") == text)
        #expect(try configuration.decode(String.self, at: "w") == text)
        #expect(configuration.location(of: "v")?.line == 4)
    }

    @Test func valueOfASinglePlaceholderFitsTheTypeThatReadsIt() throws {
        let configuration = try Self.configuration(
            """
            port: ${PORT}
            quoted: "${PORT}"
            list: ${LIST}
            yaml: ${YAML}
            default: ${NO:5}
            none: ${NO:null}
            text: "${NO:null}"
            number: ${port}
            section: {a: 1, b: "${port}"}
            copy: ${section}
            elements: ["${PORT}", 1]
            """)
        for path in ["port", "quoted", "number", "copy.b"] {
            #expect(try configuration.decode(Int.self, at: path) == 9000, "\(path)")
        }
        #expect(try configuration.decode([String].self, at: "list") == ["a", "b"])
        #expect(try configuration.decode([Int].self, at: "yaml") == [1, 2])
        #expect(try configuration.decode(Int.self, at: "default") == 5)
        #expect(try configuration.decodeIfPresent(String.self, at: "none") == nil)
        #expect(try configuration.decodeIfPresent(String.self, at: "text") == "null")
        #expect(try configuration.decode([String: Int].self, at: "copy") == ["a": 1, "b": 9000])
        #expect(try configuration.decode([Int].self, at: "elements") == [9000, 1])
        #expect(configuration.location(of: "copy")?.description == "app.yaml:10:7")
    }

    struct Everything: ConfigurationSection, Equatable {
        var number = 0
        var flag = false
        var rate = 0.0
        var time = Duration.zero
        var one: [String] = []
        var list: [String] = []
        var numbers: [Int] = []
        var address = ""
        var map: [String: Int] = [:]
    }

    /// The same texts, wherever they come from.
    @Test(arguments: ["${%:@}", "${NO:${NOT:@}}", "${%}", "${NO:${%}}", "${texts.%}", "@file:/%"], ["", "\"", "'"])
    func textInThePlaceOfAPlaceholderIsReadAsItsTypeWants(source: String, quote: String) throws {
        let texts = [
            "number": "5", "flag": "true", "rate": "1e-3", "time": "1m30s", "one": "http://127.0.0.1:2379",
            "list": "a, b", "numbers": "[1, 2]", "address": "[::1]:9000", "map": "{a: 1}",
        ]
        var yaml = "texts:\n"
        for (key, text) in texts { yaml += "  \(key): '\(text)'\n" }
        yaml += "v:\n"
        let isVariable = source.contains("${%}")
        for (key, text) in texts {
            // Without quotes, YAML takes `@` at the beginning, and a colon before a space, for itself.
            let quote = quote.isEmpty && (source.hasPrefix("@") || text.contains(": ")) ? "\"" : quote
            let name = isVariable ? key.uppercased() : key
            let value = source.replacing("%", with: name).replacing("@", with: source.hasPrefix("@") ? "@" : text)
            yaml += "  \(key): \(quote)\(value)\(quote)\n"
        }
        let document = ConfigurationDocument(origin: "app.yaml", bytes: Array(yaml.utf8))
        let variables = Dictionary(uniqueKeysWithValues: texts.map { ($0.key.uppercased(), $0.value) })
        let stack = LayerStack(documents: [document], environment: isVariable ? variables : [:])
        let configuration = try stack.merged { path throws(ConfigurationError) in
            Array((texts[String(path.dropFirst())] ?? "").utf8)
        }
        let expected = Everything(
            number: 5, flag: true, rate: 1e-3, time: .seconds(90), one: ["http://127.0.0.1:2379"], list: ["a", "b"],
            numbers: [1, 2], address: "[::1]:9000", map: ["a": 1])
        #expect(try configuration.decode(Everything.self, at: "v") == expected)
    }

    @Test(arguments: ["v: ${A}-${A},b", "v: \"${A}-${A},b\"", "v: '${NO:a}-${x},b'"])
    func textWithSeveralPlaceholdersIsReadAsItsTypeWants(yaml: String) throws {
        let document = ConfigurationDocument(origin: "app.yaml", bytes: Array("x: a\n\(yaml)".utf8))
        let configuration = try LayerStack(documents: [document], environment: ["A": "a"]).merged()
        #expect(try configuration.decode([String].self, at: "v") == ["a-a", "b"])
        #expect(try configuration.decode(String.self, at: "v") == "a-a,b")
    }

    @Test(arguments: [
        ("${NO:[1, x]}", "1:4: v[1]: expected an integer, found \"x\""),
        ("${NO:[1}", "1:4: v: YAML syntax: did not find expected ',' or ']', while parsing a flow sequence"),
        ("${NO:5x}", "1:4: v: expected an integer, found \"5x\""),
        ("${NO:}", "1:4: v: an element of the list is empty"),
        ("\"@file:/s\"", "1:4: v: expected a sequence, found a value (not shown: it may be secret)"),
    ])
    func wrongTextInThePlaceOfAPlaceholderIsAnErrorAtItsPlace(value: String, error: String) throws {
        let configuration = try Self.configuration("v: \(value)", files: ["/s": Array("{hunter2: 1, hunter2: 2}".utf8)])
        let text = errorText { _ = try configuration.decode([Int].self, at: "v") }
        #expect(text.replacing("v[0]", with: "v").hasPrefix("app.yaml:\(error)"), "\(text)")
    }

    @Test func defaultNullIsNullWithoutQuotesOnly() throws {
        let configuration = try Self.configuration(
            "a: ${NO:null}\nb: ${NO:~}\nc: \"${NO:~}\"\nd: ${EMPTY}")
        for path in ["a", "b"] { #expect(try configuration.decodeIfPresent(String.self, at: path) == nil) }
        #expect(try configuration.decode(String.self, at: "c") == "~")
        #expect(try configuration.decode(String.self, at: "d") == "")
    }

    @Test(arguments: [
        (
            "app: {name: \"${NO}\"}",
            "1:13: app.name: the environment variable NO is not set; set it, or give a default: ${NO:default}"
        ),
        (
            "a:\n  b: x-${NO}",
            "2:6: a.b: the environment variable NO is not set; set it, or give a default: ${NO:default}"
        ),
        (
            "a:\n  - \"${NO}\"",
            "2:5: a[0]: the environment variable NO is not set; set it, or give a default: ${NO:default}"
        ),
        ("a: ${x.y}", "1:4: a: no layer has a value at x.y; add one, or give a default: ${x.y:default}"),
        ("a: ${b}\nb: ~", "1:4: a: no layer has a value at b; add one, or give a default: ${b:default}"),
        (
            "a: ${b}\nb: ${NO}",
            "2:4: b: the environment variable NO is not set; set it, or give a default: ${NO:default}"
        ),
        (
            "a: |\n  line\n  ${",
            "1:4: a: a placeholder has no closing brace; write ${NAME}, or $${ for the text ${ itself"
        ),
        ("a: ${NO:${NAME}", "1:4: a: a placeholder has no closing brace; write ${NAME}, or $${ for the text ${ itself"),
        (
            "a: ${}",
            "1:4: a: a placeholder has no name; write ${NAME} for a variable, ${section.key} for another value, or $${ for the text ${ itself"
        ),
        (
            "a: ${x..y}",
            "1:4: a: a placeholder has no name; write ${NAME} for a variable, ${section.key} for another value, or $${ for the text ${ itself"
        ),
        ("a: ${a}", "1:4: a: the placeholder leads back to itself: a → a"),
        ("x: ${a}\na: 1${b}\nb: [\"${c}\"]\nc: ${a}", "2:4: a: the placeholder leads back to itself: a → b[0] → c → a"),
        ("a: {b: \"${a}\"}", "1:8: a.b: the placeholder leads back to itself: a.b → a.b"),
        ("a: x${b}\nb: {c: 1}", "1:4: a: ${b} is a mapping, which cannot be part of a text"),
        ("a: \"@file:/no\"", "1:4: a: cannot read the file /no: no such file"),
        ("a: '@file:'", "1:4: a: names no file; write @file:/path"),
        ("a: '@file:/binary'", "1:4: a: the file /binary is not in UTF-8"),
        ("a: '@file:/large'", "1:4: a: the file /large is larger than 65536 bytes"),
    ])
    func placeholderWithoutAValueIsAnErrorAtItsPlace(yaml: String, error: String) {
        let files: [String: [UInt8]] = ["/binary": [0xFF], "/large": Array(repeating: 0x61, count: 65537)]
        #expect(errorText { _ = try Self.configuration(yaml, files: files) } == "app.yaml:\(error)")
    }

    @Test func chainOfPlaceholdersIsLimited() throws {
        func chain(_ length: Int) -> String {
            (1...length).map { "a\($0): ${a\($0 + 1)}\n" }.joined() + "a\(length + 1): 5"
        }
        #expect(try Self.configuration(chain(16)).decode(Int.self, at: "a1") == 5)
        #expect(
            errorText { _ = try Self.configuration(chain(17)) }
                == "app.yaml:17:6: a17: placeholders lead to placeholders more than 16 times")
        #expect(
            parseError("a: " + String(repeating: "${NO:", count: 20) + String(repeating: "}", count: 20)).contains(
                "16 times"))
    }

    @Test func copiesAreLimited() {
        func doubling(_ value: (Int) -> String) -> String { (1...16).map { "a\($0): \(value($0 + 1))\n" }.joined() }
        let wide =
            doubling { "[" + Array(repeating: "\"${a\($0)}\"", count: 10).joined(separator: ", ") + "]" } + "a17: 1"
        #expect(parseError(wide).contains("placeholders stand for more than 100000 values in all"))
        let long = doubling { String(repeating: "${a\($0)}", count: 10) } + "a17: 1"
        #expect(parseError(long).contains("values with placeholders are longer than 1048576 bytes in all"))
    }

    @Test func fileStandsForItsContents() throws {
        let configuration = try Self.configuration(
            """
            a: "@file:/run/secrets/db"
            b: "@file:/run/${DIRECTORY:secrets}/port"
            c: "user:${a}"
            """,
            files: ["/run/secrets/db": Array("hunt${er}2\n".utf8), "/run/secrets/port": Array("80\r\n".utf8)]
        )
        #expect(try configuration.decode(String.self, at: "a") == "hunt${er}2")
        #expect(try configuration.decode(Int.self, at: "b") == 80)
        #expect(try configuration.decode(String.self, at: "c") == "user:hunt${er}2")
        for path in ["a", "c"] {
            let text = errorText { _ = try configuration.decode(Int.self, at: path) }
            #expect(text.hasSuffix(" (not shown: it may be secret)"), "\(text)")
        }
    }

    @Test(arguments: ["${DB_PASSWORD}", "x-${DB_PASSWORD}", "${db.password}", "${copy.value}", "[\"${DB_PASSWORD}\"]"])
    func valueOfASecretIsSecretWhereverItIsCopied(value: String) throws {
        let configuration = try Self.configuration(
            "v: \(value)\ndb: {password: hunter2}\ncopy: {value: \"${db.password}\"}")
        #expect(!errorText { _ = try configuration.decode(Int.self, at: "v") }.contains("hunter2"))
        guard case .mapping(let entries) = configuration.outline else { throw CancellationError() }
        var value = entries[0].value
        if case .sequence(let elements) = value { value = elements[0] }
        guard case .scalar(let scalar) = value else { throw CancellationError() }
        #expect(scalar.isSecret)
    }

    @Test func onlyTheValueOfTheLastLayerIsReplaced() throws {
        try withTemporaryDirectory { directory in
            let (first, second) = ("\(directory)/a.yaml", "\(directory)/b.yaml")
            try write("app: {name: \"${NO}\", id: \"${app.name}\"}\n", to: first)
            try write("app: {name: \"${NAME}\"}\n", to: second)
            let overridden = try Configuration.load(files: [first], environment: ["KIT_APP__NAME": "a"])
            #expect(try overridden.decode([String: String].self, at: "app") == ["name": "a", "id": "a"])
            let files = try Configuration.load(files: [first, second], environment: ["NAME": "b"])
            #expect(try files.decode([String: String].self, at: "app") == ["name": "b", "id": "b"])
        }
    }

    @Test(arguments: ["${NAME}", "a${b", "$${c}", "@@file:/x"]) func variablesAndOptionsAreLiteral(value: String) throws
    {
        #expect(try layered(["KIT_V": value]).decode(String.self, at: "v") == value)
        #expect(try layered([:], ["v='\(value)'"]).decode(String.self, at: "v") == value)
    }

    @Test func keysAndCommentsAreLeftAlone() throws {
        let configuration = try Configuration(yaml: "# ${X}\nm: {\"${K}\": 1}", origin: "app.yaml")
        #expect(try configuration.decode([String: Int].self, at: "m") == ["${K}": 1])
    }

    @Test func checkFindsAllMistakesAndLeavesOutWhatOnlyTheServiceKnows() throws {
        let yaml = "a: &a ${A}\nb: [1, \"${B}\"]\nc: *a\nd: 1\ne: ${\nf: ${f}\ng: \"@file:/none/such\"\nh: ${D}"
        let document = ConfigurationDocument(origin: "app.yaml", bytes: Array(yaml.utf8))
        let (configuration, mistakes, unchecked) = try LayerStack(documents: [document]).mergedForCheck(variables: [
            "D": "x"
        ])
        #expect(mistakes.map(\.keyPath) == ["e", "f"])
        #expect(unchecked.map(\.keyPath) == ["a", "b[1]", "g"])
        #expect(configuration.keys(at: "") == ["d", "h"])
    }
}
