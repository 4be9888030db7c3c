import Testing

@testable import ServiceKitConfig

@Suite struct KeyNamingTests {
    @Test(arguments: [
        ("listen", "listen"), ("maxMessage", "max-message"), ("maxURLLength", "max-url-length"), ("useTLS", "use-tls"),
        ("http2Port", "http2-port"), ("URLPath", "url-path"), ("a", "a"), ("", ""), ("max-message", "max-message"),
        ("max_message", "max_message"),
    ])
    func kebabCase(name: String, expected: String) {
        #expect(KeyNaming.kebabCase(name) == expected)
    }

    @Test(arguments: [("max-message", "maxMessage"), ("listen", "listen"), ("a-b-c", "aBC"), ("", "")])
    func camelCase(name: String, expected: String) {
        #expect(KeyNaming.camelCase(name) == expected)
    }

    @Test(arguments: [
        ("lisen", ["listen", "port"], "listen"), ("prot", ["listen", "port"], "port"), ("Port", ["port"], "port"),
        ("zone", ["listen", "port"], nil), ("x", ["y"], nil), ("", ["y"], nil), ("listn", [], nil),
        ("time-out", ["timeout"], "timeout"), ("maxMessage", ["max-message"], "max-message"),
        (String(repeating: "a", count: 100), [String(repeating: "a", count: 99)], nil),
    ])
    func theNearestKeyIsSuggested(key: String, candidates: [String], nearest: String?) {
        #expect(KeySuggestion.nearest(to: key, among: candidates) == nearest)
    }

    @Test(arguments: [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 1), ("ca", "abc", 3)])
    func distances(left: String, right: String, distance: Int) {
        #expect(KeySuggestion.distance(Array(left), Array(right)) == distance)
    }

    @Test func longListsAreCut() {
        let known = (1...20).map { "name-\($0)" }
        let text = KeySuggestion.message(for: "zzz", known: known)
        #expect(text.hasPrefix("unknown key; known keys: name-1, name-2,"))
        #expect(text.hasSuffix("name-12, …"))
    }
}
