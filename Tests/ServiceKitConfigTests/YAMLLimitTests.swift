import ServiceKitConfig
import Testing

@Suite(.timeLimit(.minutes(5))) struct YAMLLimitTests {
    @Test func aBillionLaughsAreRefused() {
        var yaml = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            yaml += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(parseError(yaml) == "app.yaml:6:10: a5[0]: more than 100000 keys and values, with aliases expanded")
    }

    @Test func mergeKeysCountLikeOtherAliases() {
        let wide = (0..<200).map { "k\($0): 1" }.joined(separator: ", ")
        let uses = (0..<400).map { "u\($0): {<<: *wide}\n" }.joined()
        #expect(parseError("wide: &wide {\(wide)}\n" + uses).hasSuffix("with aliases expanded"))
    }

    @Test func numberOfNodesIsLimited() throws {
        // Each element counts, and so do the key, the sequence and the root.
        let most = "a: [" + String(repeating: "1,", count: 99_997) + "]"
        #expect(try Configuration(yaml: most).decode([Int].self, at: "a").count == 99_997)
        let more = "a: [" + String(repeating: "1,", count: 99_998) + "]"
        #expect(
            parseError(more) == "app.yaml:1:199999: a[99997]: more than 100000 keys and values, with aliases expanded")
    }

    @Test(arguments: [("[", "]"), ("{a: ", "}")])
    func depthIsLimited(open: String, close: String) throws {
        func nested(_ depth: Int) -> String {
            "v: " + String(repeating: open, count: depth) + String(repeating: close, count: depth)
        }
        #expect(try Configuration(yaml: nested(63)).contains("v"))
        #expect(parseError(nested(64)).hasSuffix("nested deeper than 64 levels"))
        #expect(parseError(nested(10_000)).hasSuffix("nested deeper than 64 levels"))
        #expect(parseError(nested(10_000)).hasPrefix("app.yaml:1:"))
    }

    @Test func aliasesDoNotHideDepth() {
        let half = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let yaml = "a: &a \(half)\nb: " + String(repeating: "[", count: 30) + "*a" + String(repeating: "]", count: 30)
        #expect(parseError(yaml).hasSuffix("nested deeper than 64 levels"))
        #expect(parseError(yaml).hasPrefix("app.yaml:2:34: "))
    }

    @Test func aBlockOfTenThousandLevelsIsRefused() {
        // Indentation makes deep block mappings large. Sequences on one line stay small.
        let yaml = "a:\n  " + String(repeating: "- ", count: 10_000) + "1"
        #expect(parseError(yaml).hasSuffix("nested deeper than 64 levels"))
    }

    @Test func sizeIsLimited() throws {
        let limit = 1 << 20
        let padding = String(repeating: "#", count: limit - 5)
        #expect(try Configuration(yaml: "a: 1\n" + padding).contains("a"))
        #expect(parseError("a: 1\n#" + padding) == "app.yaml: larger than 1048576 bytes; split it into several files")
        try withTemporaryDirectory { directory in
            let file = "\(directory)/large.yaml"
            try write("a: " + String(repeating: "x", count: 2 * limit), to: file)
            let text = errorText { _ = try Configuration.load(files: [file], environment: [:]) }
            #expect(text == "\(file): larger than 1048576 bytes; split it into several files")
        }
    }

    @Test func tagDirectivesAreLimited() {
        let yaml = (0..<50_000).map { "%TAG !a\($0)! x\n" }.joined() + "---\na: 1"
        #expect(parseError(yaml) == "app.yaml: more than 100 times %TAG; remove these lines")
        #expect(parseError("%TAG !a! x\n---\na: 1") == "no error")
    }

    /// Documents of the largest size that keep a parser busy.
    @Test(arguments: [
        "[", "{", "- ", "? ", "a: ", "&a ", "!!str ", "'", "\"\\", "|\n", "a\n", "{a,", "%", "#\n", "\t", "*a ", "\r",
    ])
    func largeDocumentsEndSoon(unit: String) {
        let text = String(repeating: unit, count: (1 << 20) / unit.utf8.count - 2)
        _ = parseError(text)
        _ = parseError("a:\n " + text.dropLast(10))
    }
}
