import ServiceKitConfig
import Testing

@Suite struct LayerTests {
    @Test func laterLayersWin() throws {
        try withTemporaryDirectory { directory in
            let base = "\(directory)/base.yaml"
            let profile = "\(directory)/profile.yml"
            try write("a: 1\nb: 1\nc: 1\nd: 1\nm: {x: 1, y: 1, z: {p: 1}}\nl: [1, 2]\nn: {k: 1}\ns: 1\n", to: base)
            try write("b: 2\nc: 2\nd: 2\nm: {y: 2, z: {q: 2}}\nl: [3]\nn: ~\ns: {t: 2}\n", to: profile)
            let configuration = try Configuration.load(
                files: [base, profile],
                environment: ["KIT_C": "3", "KIT_D": "3", "PATH": "/bin"],
                overrides: ["d=4", "m.z.r=4"]
            )
            for (path, value) in [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("m.x", 1), ("m.y", 2), ("s.t", 2)] {
                #expect(try configuration.decode(Int.self, at: path) == value, "\(path)")
            }
            #expect(try configuration.decode([String: Int].self, at: "m.z") == ["p": 1, "q": 2, "r": 4])
            #expect(try configuration.decode([Int].self, at: "l") == [3])
            #expect(try configuration.decodeIfPresent([String: Int].self, at: "n") == nil)
            let places = [
                "a": "\(base):1:4", "b": "\(profile):1:4", "c": "environment variable KIT_C", "d": "--set d",
                "m.x": "\(base):5:8", "m.z.q": "\(profile):4:18", "n": "\(profile):6:4",
            ]
            for (path, place) in places {
                #expect(configuration.location(of: path)?.description == place)
            }
        }
    }

    // MARK: - Files

    @Test func filesThatCannotBeReadAreNamed() throws {
        try withTemporaryDirectory { directory in
            func error(_ file: String) -> String {
                errorText { _ = try Configuration.load(files: [file], environment: [:]) }
            }
            let missing = "\(directory)/missing.yaml"
            #expect(error(missing) == "\(missing): no such file; create it or name another one")
            #expect(error(directory) == "\(directory): is a directory without files *.yaml; add one")
            #expect(error("/dev/null") == "/dev/null: is not a regular file; name a file")
            let file = "\(directory)/file"
            try write("a: 1", to: file)
            #expect(error("\(file)/below.yaml") == "\(file)/below.yaml: no such file; create it or name another one")
            #expect(error(file) == "no error")
        }
    }

    @Test(.enabled(if: !isSuperuser, "permissions do not stop the superuser"))
    func filesWithoutPermissionAreNamed() throws {
        try withTemporaryDirectory { directory in
            let file = "\(directory)/private.yaml"
            try write("a: 1", to: file)
            try setPermissions(0, of: file)
            let text = errorText { _ = try Configuration.load(files: [file], environment: [:]) }
            #expect(text == "\(file): permission denied; let the user that runs the service read it")
        }
    }

    @Test func theEnvironmentOfTheProcessIsTheDefault() throws {
        #expect(throws: Never.self) { try Configuration.load(files: []) }
    }

    // MARK: - Environment

    @Test(arguments: [
        ("KIT_A", "a"), ("KIT_REGISTRY__FILE__DIRECTORY", "registry.file.directory"),
        ("KIT_SERVER__GRPC__MAX_MESSAGE", "server.grpc.max-message"), ("KIT_lower__Case", "lower.case"),
    ])
    func variablesNamePaths(variable: String, path: String) throws {
        let configuration = try layered([variable: "5"])
        #expect(try configuration.decode(Int.self, at: path) == 5)
        #expect(configuration.location(of: path)?.description == "environment variable \(variable)")
    }

    @Test func otherVariablesAreLeftAlone() throws {
        let environment = ["KIT_CONFIG": "a.yaml", "KIT_PROFILE": "p", "KITCHEN": "1", "kit_a": "1", "HOME": "/"]
        #expect(try layered(environment).keys(at: "") == [])
    }

    @Test(arguments: ["p#a: ss", "*star", "&and", "!bang", "null", "~", "", "'quoted'", "a: b", "5", "@at", "\n", "%x"])
    func valuesAreTakenLiterally(value: String) throws {
        #expect(try layered(["KIT_V": value]).decode(String.self, at: "v") == value)
    }

    @Test func listsAndMappingsAreYAML() throws {
        let configuration = try layered(["KIT_L": "[http://a, b]", "KIT_M": "{a: 30s, b: 'x'}", "KIT_T": "true"])
        #expect(try configuration.decode([String].self, at: "l") == ["http://a", "b"])
        #expect(try configuration.decode([String: String].self, at: "m") == ["a": "30s", "b": "x"])
        #expect(try configuration.decode(Bool.self, at: "t"))
        #expect(configuration.location(of: "m.a")?.description == "environment variable KIT_M")
    }

    @Test func variablesAddToEachOther() throws {
        let configuration = try layered(["KIT_M": "{a: 1, b: 1}", "KIT_M__B": "2", "KIT_M__C__D": "3"])
        #expect(try configuration.decode(Int.self, at: "m.a") == 1)
        #expect(try configuration.decode(Int.self, at: "m.b") == 2)
        #expect(try configuration.decode(Int.self, at: "m.c.d") == 3)
    }

    @Test(arguments: ["KIT_", "KIT___A", "KIT_A__", "KIT_A____B", "KIT__A", "KIT_A___B", "KIT_A_"])
    func emptyPartsOfNamesAreRefused(variable: String) {
        #expect(
            errorText { _ = try layered([variable: "1"]) } == "environment variable \(variable): "
                + "a part of the name is empty; write KIT_SECTION__KEY, two underscores between parts"
        )
    }

    @Test(arguments: [
        (
            ["KIT_A": "1", "KIT_A__B": "2"],
            "environment variable KIT_A__B: a.b: cannot set a key below \"a\", which is a scalar "
                + "(environment variable KIT_A)"
        ),
        (
            ["KIT_A": "[1]", "KIT_A__B__C": "2"],
            "environment variable KIT_A__B__C: a.b.c: cannot set a key below \"a\", which is a sequence "
                + "(environment variable KIT_A)"
        ),
        (
            ["KIT_A_B": "1", "KIT_a_b": "2"],
            "environment variable KIT_a_b: a-b: the environment variable KIT_A_B sets the same key; unset one of them"
        ),
        (
            ["KIT_A": "[1"],
            "environment variable KIT_A: a: YAML syntax: did not find expected ',' or ']', while "
                + "parsing a flow sequence"
        ),
        (["KIT_A": "{b: x}"], "environment variable KIT_A: a.b: expected an integer, found \"x\""),
        (["KIT_A": "{b: 1, b: 2}"], "environment variable KIT_A: a.b: duplicate key; it is first set"),
    ])
    func variablesThatConflictAreNamed(environment: [String: String], error: String) {
        #expect(errorText { _ = try layered(environment).decode([String: Int].self, at: "a") } == error)
    }

    @Test func aKeyBelowAScalarOfAFileNamesBoth() throws {
        try withTemporaryDirectory { directory in
            let file = "\(directory)/a.yaml"
            try write("x: 1\na: 5\nn:\n", to: file)
            let text = errorText { _ = try Configuration.load(files: [file], environment: ["KIT_A__B": "2"]) }
            #expect(
                text
                    == "environment variable KIT_A__B: a.b: cannot set a key below \"a\", which is "
                    + "a scalar (\(file):2:4)"
            )
            let configuration = try Configuration.load(files: [file], environment: ["KIT_N__B": "2"])
            #expect(try configuration.decode(Int.self, at: "n.b") == 2)
        }
    }

    // MARK: - Sections without a value

    /// A bare `log:` is what remains when all its options are comments.
    @Test(arguments: [("a:", 1), ("a: # later", 1), ("a: ~", 7), ("a: null", 7), ("a: {}", 1), ("b: 2", 1)])
    func keyWithoutAValueLeavesTheSectionBelowAsItIs(later: String, value: Int) throws {
        struct Section: ConfigurationSection { var b = 7 }
        let documents = ["a: {b: 1}", later].map { ConfigurationDocument(origin: "app.yaml", bytes: Array($0.utf8)) }
        #expect(try LayerStack(documents: documents).merged().decode(Section.self, at: "a").b == value)
    }

    @Test func keyInAStoreWithoutAValueLeavesTheSectionBelowAsItIs() throws {
        var document = ConfigurationDocument(origin: "etcd /config/a", bytes: [], path: "a")
        let file = ConfigurationDocument(origin: "app.yaml", bytes: Array("a: {b: 1}".utf8))
        for text in ["", " \n", "# nothing"] {
            document.bytes = Array(text.utf8)
            #expect(try LayerStack(documents: [file, document]).merged().decode(Int.self, at: "a.b") == 1)
        }
        #expect(try LayerStack(documents: [file], overrides: ["a="]).merged().decode(Int.self, at: "a.b") == 1)
        #expect(try !LayerStack(documents: [file], overrides: ["a=null"]).merged().contains("a.b"))
    }

    // MARK: - Overrides

    @Test func keyOfAnOverrideThatHasDotsIsInQuotes() throws {
        let configuration = try layered([:], [#"a."b.c".d=1"#, #""x.y"=2"#])
        #expect(try configuration.decode([String: [String: Int]].self, at: "a") == ["b.c": ["d": 1]])
        #expect(configuration.keys(at: "") == ["a", "x.y"])
    }

    @Test func overridesAreYAML() throws {
        let overrides = [
            "a.b=30s", "e=\"\"", "l=[http://127.0.0.1:2379]", "m={a: b}", "n=", "q='5'", "x=a=b", "max-message=5",
            "C=1",
        ]
        let configuration = try layered([:], overrides)
        #expect(try configuration.decode(Duration.self, at: "a.b") == .seconds(30))
        #expect(try configuration.decode(String.self, at: "e") == "")
        #expect(try configuration.decode([String].self, at: "l") == ["http://127.0.0.1:2379"])
        #expect(try configuration.decode([String: String].self, at: "m") == ["a": "b"])
        #expect(try configuration.contains("n") && configuration.decodeIfPresent(String.self, at: "n") == nil)
        #expect(try configuration.decode(String.self, at: "q") == "5")
        #expect(try configuration.decode(String.self, at: "x") == "a=b")
        #expect(try configuration.decode(Int.self, at: "C") == 1)
        for path in ["a.b", "l", "m.a", "n"] {
            let root = path == "m.a" ? "m" : path
            #expect(configuration.location(of: path)?.description == "--set \(root)")
        }
    }

    @Test func laterOfTwoOverridesWins() throws {
        #expect(try layered([:], ["a=1", "a=2"]).decode(Int.self, at: "a") == 2)
    }

    @Test(arguments: [
        ("a.b", "--set: expected path=value, as in --set server.grpc.listen=127.0.0.1:9000"),
        ("=5", "--set: expected path=value, as in --set server.grpc.listen=127.0.0.1:9000"),
        ("", "--set: expected path=value, as in --set server.grpc.listen=127.0.0.1:9000"),
        ("a..b=5", "--set a..b: expected path=value, as in --set server.grpc.listen=127.0.0.1:9000"),
        (".a=5", "--set .a: expected path=value, as in --set server.grpc.listen=127.0.0.1:9000"),
        ("a=x", "--set a: expected an integer, found \"x\""),
        ("a={b: 1}", "--set a: expected an integer, found a mapping"),
        ("a=[", "--set a: YAML syntax: did not find expected node content, while parsing a flow node"),
        ("a.b=1", "--set a.b: cannot set a key below \"a\", which is a scalar (--set a)"),
        ("a=--- 1\n--- 2", "--set a: more than one YAML document; keep one, and give each other one a file of its own"),
    ])
    func badOverridesAreNamed(override: String, error: String) {
        #expect(errorText { _ = try layered([:], ["a=1", override]).decode(Int.self, at: "a") } == error)
    }

    @Test func pathsAreNotDeeperThanDocuments() {
        let path = Array(repeating: "a", count: 65)
        #expect(
            errorText { _ = try layered([:], [path.joined(separator: ".") + "=1"]) }.hasSuffix(
                "nested deeper than 64 levels"))
        #expect(
            errorText { _ = try layered(["KIT_" + path.joined(separator: "__"): "1"]) }.hasSuffix(
                "nested deeper than 64 levels"))
        let value = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        #expect(errorText { _ = try layered([:], ["a.b.c.d.e=\(value)"]) }.hasSuffix("nested deeper than 64 levels"))
        #expect(errorText { _ = try layered([:], ["a.b.c.d=\(value)"]) } == "no error")
    }
}
