import ServiceKitConfig
import Testing

@Suite struct YAMLParsingTests {
    @Test(arguments: ["", "# nothing\n", "---\n", "---\n...\n", "\u{FEFF}", "~", "\n\n"])
    func anEmptyDocumentIsAnEmptyMapping(yaml: String) throws {
        #expect(try Configuration(yaml: yaml).keys(at: "") == [])
        #expect(try Configuration(yaml: yaml).decode([String: String].self, at: "") == [:])
    }

    @Test func keysKeepTheirOrder() throws {
        let configuration = try Configuration(yaml: "z: 1\na: {y: 1, b: 2}\n'm': 3")
        #expect(configuration.keys(at: "") == ["z", "a", "m"])
        #expect(configuration.keys(at: "a") == ["y", "b"])
        #expect(configuration.keys(at: "z") == [])
        #expect(configuration.keys(at: "nothing.here") == [])
    }

    @Test(arguments: [
        ("a", "app.yaml:2:4"), ("a.b", "app.yaml:2:8"), ("c", "app.yaml:4:3"), ("c.d", "app.yaml:4:6"),
        ("c.é", "app.yaml:5:6"), ("f", "app.yaml:6:8"),
    ])
    func everyValueHasALocation(path: String, location: String) throws {
        let yaml = """
            # comment
            a: {b: 1}
            c:
              d: "x"
              é: y
            'f'  : 2
            """
        let configuration = try Configuration(yaml: yaml, origin: "app.yaml")
        #expect(configuration.location(of: path)?.description == location)
        #expect(configuration.contains(path))
    }

    @Test(arguments: ["x", "a.x", "a.b.x", "a.b.x.y"])
    func missingValueHasNoLocation(path: String) throws {
        let configuration = try Configuration(yaml: "a: {b: 1}")
        #expect(configuration.location(of: path) == nil)
        #expect(!configuration.contains(path))
    }

    @Test func columnsCountCharactersNotBytes() {
        #expect(
            decodeError([String: Int].self, "{é: 1, ключ: x}")
                == "app.yaml:1:14: ключ: expected an integer, found \"x\"")
    }

    @Test func aByteOrderMarkDoesNotMoveTheFirstLine() throws {
        let configuration = try Configuration(yaml: "\u{FEFF}a: 1", origin: "app.yaml")
        #expect(configuration.location(of: "a")?.description == "app.yaml:1:4")
    }

    @Test func theThreeFormsOfLocation() {
        #expect(ServiceKitConfig.SourceLocation(origin: "a.yaml", line: 14, column: 5).description == "a.yaml:14:5")
        #expect(ServiceKitConfig.SourceLocation(origin: "a.yaml", line: 14).description == "a.yaml:14")
        #expect(ServiceKitConfig.SourceLocation(origin: "--set a.b").description == "--set a.b")
    }

    @Test(arguments: [
        ("[1, 2]", "app.yaml:1:1: the root must be a mapping of keys to values, found a sequence"),
        ("text", "app.yaml:1:1: the root must be a mapping of keys to values, found a scalar"),
        (
            "a: 1\n---\nb: 2",
            "app.yaml:2:1: more than one YAML document; keep one, and give each other one a file of its own"
        ),
        ("a: 1\nb:\n  c: 1\n  c: 2", "app.yaml:4:3: b.c: duplicate key; it is first set on line 3"),
        ("? [a, b]\n: 1", "app.yaml:1:3: a key must be a scalar, not a sequence or a mapping"),
        ("{{a: 1}: 1}", "app.yaml:1:2: a key must be a scalar, not a sequence or a mapping"),
        ("a:\n  ?\n  : 1", "app.yaml:2:4: a: a key is empty; write a name before the colon"),
        (
            "a: !color red",
            "app.yaml:1:4: a: the tag is unknown or does not fit the value; if it is meant as text, quote it"
        ),
        (
            "a: !!int red",
            "app.yaml:1:4: a: the tag is unknown or does not fit the value; "
                + "if it is meant as text, quote it"
        ),
        (
            "a: !!seq {}",
            "app.yaml:1:4: a: the tag is unknown or does not fit the value; "
                + "if it is meant as text, quote it"
        ),
        (
            "a: !!map []",
            "app.yaml:1:4: a: the tag is unknown or does not fit the value; "
                + "if it is meant as text, quote it"
        ),
        ("a: *b", "app.yaml:1:4: a: the alias has no anchor before it; if it is meant as text, put it in quotes"),
        (
            "a: &a [*a]",
            "app.yaml:1:8: a[0]: the alias has no anchor before it; if it is meant as text, put it in quotes"
        ),
        (
            "a:\n\t- b",
            "app.yaml:2:1: a: YAML syntax: found character that cannot start any token, "
                + "while scanning for the next token; use spaces instead of tabs"
        ),
        (
            "a: [1, 2\nb: 3",
            "app.yaml:2:2: a: YAML syntax: did not find expected ',' or ']', "
                + "while parsing a flow sequence that starts on line 1"
        ),
        (
            "a: b: c",
            "app.yaml:1:5: YAML syntax: mapping values are not allowed in this context; check the indentation; a text "
                + "with \": \" in it needs quotes"
        ),
        (
            "a: - b",
            "app.yaml:1:4: a: YAML syntax: block sequence entries are not allowed in this context; begin the list on the "
                + "next line, or write [a, b]"
        ),
        (
            "a: [${b}]",
            "app.yaml:1:6: a: YAML syntax: did not find expected ',' or ']', while parsing a flow sequence; between "
                + "brackets, put ${…} in quotes"
        ),
        ("a: \"b\0c\"", "app.yaml:1:6: YAML syntax: control characters are not allowed"),
        ("%FOO\na: 1", "app.yaml:1:5: YAML syntax: found unknown directive name, while scanning a directive"),
    ])
    func aBrokenDocumentIsRefused(yaml: String, error: String) {
        #expect(parseError(yaml) == error)
    }

    @Test func invalidUTF8IsLocated() throws {
        try withTemporaryDirectory { directory in
            let file = "\(directory)/app.yaml"
            try write([0x61, 0x3A, 0x20, 0x62, 0x0A, 0xC3, 0xA9, 0xFF, 0x0A], to: file)
            let text = errorText { _ = try Configuration.load(files: [file], environment: [:]) }
            #expect(text == "\(file):2:2: YAML syntax: invalid leading UTF-8 octet 0xFF; save it as UTF-8")
        }
    }

    @Test func tagsOfYAMLItselfAreHonoured() throws {
        let yaml = """
            a: !!str 5
            b: !!int "5"
            c: !!bool "true"
            d: !!null ~
            e: ! 7
            f: !!seq [1]
            g: !!map {h: 1}
            i: !!float "1.5"
            """
        let configuration = try Configuration(yaml: yaml)
        #expect(throws: ConfigurationError.self) { try configuration.decode(Int.self, at: "a") }
        #expect(try configuration.decode(Int.self, at: "b") == 5)
        #expect(try configuration.decode(Bool.self, at: "c"))
        #expect(try configuration.decodeIfPresent(Int.self, at: "d") == nil)
        #expect(throws: ConfigurationError.self) { try configuration.decode(Int.self, at: "e") }
        #expect(try configuration.decode([Int].self, at: "f") == [1])
        #expect(try configuration.decode([String: Int].self, at: "g") == ["h": 1])
        #expect(try configuration.decode(Double.self, at: "i") == 1.5)
    }

    @Test func aliasesStandForTheirAnchors() throws {
        let configuration = try Configuration(yaml: "a: &x {n: 1}\nb: *x\nc: &k key\n*k : 2\nd: &x 3\ne: *x")
        #expect(try configuration.decode([String: Int].self, at: "b") == ["n": 1])
        #expect(configuration.location(of: "b.n")?.line == 1)
        #expect(try configuration.decode(Int.self, at: "key") == 2)
        #expect(try configuration.decode(Int.self, at: "e") == 3)
    }

    @Test(arguments: [
        ("<<: *one\nb: 9", ["a": 1, "b": 9]),
        ("b: 9\n<<: *one", ["a": 1, "b": 9]),
        ("<<: [*two, *one]", ["a": 1, "b": 5, "c": 6]),
        ("<<: [*one, *two]", ["a": 1, "b": 2, "c": 6]),
        ("<<: {b: 7}", ["b": 7]),
        ("\"<<\": 4", ["<<": 4]),
    ])
    func mergeKeyAddsMissingKeys(yaml: String, expected: [String: Int]) throws {
        let head = "one: &one {a: 1, b: 2}\ntwo: &two {b: 5, c: 6}\nresult:\n"
        let body = yaml.split(separator: "\n").map { "  \($0)\n" }.joined()
        #expect(try Configuration(yaml: head + body).decode([String: Int].self, at: "result") == expected)
    }

    @Test(arguments: [
        ("a:\n  <<: 5", "app.yaml:2:7: a: the value of << must be a mapping or a sequence of mappings, found a scalar"),
        ("a:\n  <<:", "app.yaml:2:6: a: the value of << must be a mapping or a sequence of mappings, found null"),
        (
            "a:\n  <<: [{}, [1]]",
            "app.yaml:2:12: a: the value of << must be a mapping or a sequence of mappings, found a sequence"
        ),
        ("a:\n  <<: {}\n  <<: {}", "app.yaml:3:3: a.<<: only one merge key; write <<: [*one, *other]"),
    ])
    func aMergeKeyNeedsMappings(yaml: String, error: String) {
        #expect(parseError(yaml) == error)
    }
}
