import FoundationEssentials
import ServiceKitConfig
import Testing

/// Values of variables and options. The reading type decides on their kind.
@Suite struct InlineValueTests {
    struct Etcd: ConfigurationSection {
        var endpoints: [URL] = []
        var ports: [Int] = []
        var names: Set<String> = []
        var password: String?
    }

    private func etcd(_ environment: [String: String] = [:], _ overrides: [String] = []) throws -> Etcd {
        try layered(environment, overrides).decode(Etcd.self, at: "etcd")
    }

    // MARK: - Lists

    @Test func aListMayHaveCommas() throws {
        let urls = ["http://a:1", "http://b:2"].compactMap(URL.init(string:))
        #expect(try etcd(["KIT_ETCD__ENDPOINTS": "http://a:1,http://b:2"]).endpoints == urls)
        #expect(try etcd(["KIT_ETCD__ENDPOINTS": " http://a:1 ,\thttp://b:2\n"]).endpoints == urls)
        #expect(try etcd(["KIT_ETCD__ENDPOINTS": "http://a:1"]).endpoints == Array(urls.prefix(1)))
        #expect(try etcd([:], ["etcd.endpoints=http://a:1,http://b:2"]).endpoints == urls)
        #expect(try etcd([:], ["etcd.endpoints=[http://a:1, http://b:2]"]).endpoints == urls)
        #expect(try etcd(["KIT_ETCD__PORTS": "1, 0x10"]).ports == [1, 16])
        #expect(try etcd(["KIT_ETCD__NAMES": "null,~"]).names == ["null", "~"])
        #expect(try etcd(["KIT_ETCD__PORTS": "[]"]).ports == [])
    }

    @Test(arguments: ["", " ", "1,", ",1", "1,,2", "1, ,2"]) func noElementIsEmpty(value: String) {
        #expect(
            errorText { _ = try etcd(["KIT_ETCD__PORTS": value]) }
                == "environment variable KIT_ETCD__PORTS: etcd.ports: an element of the list is empty; write a,b or "
                + "[a, b], and [] for no elements"
        )
    }

    @Test func elementsAreNamed() {
        #expect(
            errorText { _ = try etcd(["KIT_ETCD__PORTS": "1,x"]) }
                == "environment variable KIT_ETCD__PORTS: etcd.ports[1]: expected an integer, found \"x\""
        )
        #expect(
            errorText { _ = try etcd([:], ["etcd.ports=1,x"]) }
                == "--set etcd.ports: etcd.ports[1]: expected an integer, found \"x\""
        )
    }

    @Test func textKeepsItsCommas() throws {
        #expect(try etcd(["KIT_ETCD__PASSWORD": "a,b"]).password == "a,b")
        #expect(try etcd([:], ["etcd.password=a,b"]).password == "a,b")
    }

    @Test(arguments: ["1", "1,2", "\"1,2\""]) func listInAFileNeedsBrackets(value: String) {
        let text = decodeError(Etcd.self, "ports: \(value)")
        #expect(text.hasPrefix("app.yaml:1:8: ports: expected a sequence, found "))
        #expect(text.hasSuffix("; write [a, b], also for one element: [a]"))
    }

    @Test func quotesMakeNoList() {
        #expect(errorText { _ = try etcd([:], ["etcd.ports='1,2'"]) }.contains("write [a, b]"))
    }

    // MARK: - Brackets

    @Test(arguments: ["[::1]:9000", "{abc", "[abc]", "{\"a\": 1}", "[", "{a: b}", "[1, 2"])
    func textMayBeginWithABracket(value: String) throws {
        #expect(try layered(["KIT_V": value]).decode(String.self, at: "v") == value)
        #expect(try layered([:], ["v=\(value)"]).decode(String.self, at: "v") == value)
        #expect(try layered(["KIT_V": value]).decodeIfPresent(String.self, at: "v") == value)
    }

    @Test func bracketedValueIsYAMLUnlessTextIsRead() throws {
        #expect(try layered(["KIT_V": "[1, 2]"]).decode([Int].self, at: "v") == [1, 2])
        for value in ["[1, 2", "{"] {
            let configuration = try layered(["KIT_V": value])
            let errors = [
                errorText { _ = try configuration.decode([Int].self, at: "v") },
                errorText { _ = try configuration.decode(Int.self, at: "v") },
                errorText { _ = try configuration.decode([String: Int].self, at: "v") },
            ]
            for error in errors { #expect(error.hasPrefix("environment variable KIT_V: v: YAML syntax: ")) }
        }
    }
}
