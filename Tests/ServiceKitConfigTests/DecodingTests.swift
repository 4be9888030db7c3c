import ServiceKitConfig
import Testing

@Suite struct DecodingTests {
    struct Listener: Codable, Equatable {
        var listen: String
        var maxMessage: Int?
        var useHTTP2: Bool?
    }

    @Test func propertyNamesAreKebabCase() throws {
        let yaml = "listen: a\nmax-message: 5\nuse-http2: true"
        let listener = try Configuration(yaml: yaml).decode(Listener.self, at: "")
        #expect(listener == Listener(listen: "a", maxMessage: 5, useHTTP2: true))
    }

    @Test func aPropertyNameAsInSwiftIsUnknown() {
        #expect(
            decodeError(Listener.self, "listen: a\nmaxMessage: 5")
                == "app.yaml:2:1: maxMessage: unknown key; did you mean \"max-message\"?"
        )
    }

    @Test func theKeysOfDictionariesAreLeftAlone() throws {
        let yaml = "{maxMessage: 1, max-message: 2, MAX_MESSAGE: 3, \"a.b\": 4}"
        let expected = ["maxMessage": 1, "max-message": 2, "MAX_MESSAGE": 3, "a.b": 4]
        #expect(try decodeValue([String: Int].self, yaml) == expected)
        #expect(try decodeValue([Int: String].self, "{1: a, 2: b}") == [1: "a", 2: "b"])
        #expect(try decodeValue([String: [String: Int]].self, "{aB: {cD: 1}}") == ["aB": ["cD": 1]])
    }

    struct Wrapper: Decodable {
        var labels: [String: String]
        init(from decoder: any Decoder) throws { labels = try [String: String](from: decoder) }
    }

    struct SingleWrapper: Decodable {
        var labels: [String: String]
        init(from decoder: any Decoder) throws {
            labels = try decoder.singleValueContainer().decode([String: String].self)
        }
    }

    @Test func aWrappedDictionaryIsStillOne() throws {
        #expect(try decodeValue(Wrapper.self, "{someKey: b}").labels == ["someKey": "b"])
        #expect(try decodeValue(SingleWrapper.self, "{someKey: b}").labels == ["someKey": "b"])
    }

    @Test func aMissingSectionIsAnEmptyOne() throws {
        struct Empty: Codable, Equatable { var a: Int? }
        let configuration = try Configuration(yaml: "none:\nempty: {}")
        for path in ["none", "empty", "missing", "missing.too"] {
            #expect(try configuration.decode(Empty.self, at: path) == Empty())
            #expect(try configuration.decode([String: Int].self, at: path) == [:])
        }
        #expect(try configuration.decodeIfPresent(Empty.self, at: "none") == nil)
        #expect(try configuration.decodeIfPresent(Empty.self, at: "missing") == nil)
        #expect(try configuration.decodeIfPresent(Empty.self, at: "empty") == Empty())
    }

    @Test(arguments: [
        ("server: {max-message: 1}", "app.yaml:1:9: server.listen: required key is missing; expected text"),
        (
            "server:\n  max-message: 1\n  lisen: a",
            "app.yaml:3:3: server.listen: required key is missing; expected text; did you misspell it as \"lisen\"?"
        ),
        ("server: {listen: }", "app.yaml:1:18: server.listen: expected text, found null"),
        ("server:", "app.yaml:1:8: server.listen: required key is missing; expected text"),
        ("{}", "server.listen: required key is missing; expected text"),
        ("server: []", "app.yaml:1:9: server: expected a mapping, found a sequence"),
        ("server: text", "app.yaml:1:9: server: expected a mapping, found a text of 4 characters"),
        (
            "server:\n  listen: a\n  lisen: b\n",
            "app.yaml:3:3: server.lisen: unknown key; did you mean \"listen\"?"
        ),
        (
            "server:\n  listen: a\n  zone: b\n",
            "app.yaml:3:3: server.zone: unknown key; known keys: listen, max-message, use-http2"
        ),
    ])
    func valueOfAnotherTypeIsRefused(yaml: String, error: String) {
        #expect(decodeError(Listener.self, yaml, at: "server") == error)
    }

    @Test func aPathThroughAScalarIsRefused() {
        #expect(
            decodeError(Int.self, "server: 5", at: "server.grpc")
                == "app.yaml:1:9: server: expected a mapping, found a text of 1 character"
        )
        #expect(decodeError(Int.self, "a: {}", at: "a.port") == "a.port: required key is missing; expected an integer")
    }

    @Test func elementsAreNamedByTheirIndex() {
        struct Settings: Codable { var nodes: [Listener] }
        #expect(
            decodeError(Settings.self, "nodes:\n  - listen: a\n  - listen: a\n    lissten: b")
                == "app.yaml:4:5: nodes[1].lissten: unknown key; did you mean \"listen\"?"
        )
        #expect(
            decodeError([[Int]].self, "v: [[1], [2, x]]", at: "v")
                == "app.yaml:1:14: v[1][1]: expected an integer, found \"x\"")
        #expect(
            decodeError([Int].self, "v: {a: 1}", at: "v") == "app.yaml:1:4: v: expected a sequence, found a mapping")
        #expect(decodeError([Int].self, "v:", at: "v") == "app.yaml:1:3: v: expected a sequence, found null")
    }

    @Test func optionalElements() throws {
        #expect(try decodeValue([Int?].self, "[1, ~, 3]") == [1, nil, 3])
        #expect(try decodeValue([String: Int?].self, "{a: 1, b: ~}") == ["a": 1, "b": nil])
        #expect(try decodeValue(Set<Int>.self, "[1, 1, 2]") == [1, 2])
    }

    // MARK: - Types with an initializer of their own

    struct Point: Decodable, Equatable {
        var x: Int
        var y: Int
        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            x = try container.decode(Int.self)
            y = try container.decode(Int.self)
        }
    }

    @Test func unkeyedContainers() throws {
        #expect(try decodeValue(Point.self, "[1, 2]").y == 2)
        #expect(decodeError(Point.self, "v: [1]", at: "v") == "app.yaml:1:4: v: expected more elements, found only 1")
    }

    struct Nested: Decodable {
        enum Outer: String, CodingKey { case innerPart, list }
        enum Inner: String, CodingKey { case someValue }
        var value: Int
        var list: [Int] = []
        init(from decoder: any Decoder) throws {
            let outer = try decoder.container(keyedBy: Outer.self)
            value = try outer.nestedContainer(keyedBy: Inner.self, forKey: .innerPart).decode(
                Int.self, forKey: .someValue)
            if outer.contains(.list) {
                var elements = try outer.nestedUnkeyedContainer(forKey: .list)
                while !elements.isAtEnd {
                    let element = try elements.nestedContainer(keyedBy: Inner.self)
                    list.append(try element.decode(Int.self, forKey: .someValue))
                }
            }
        }
    }

    @Test func nestedContainersAreStrictToo() throws {
        let nested = try decodeValue(Nested.self, "{inner-part: {some-value: 1}, list: [{some-value: 2}]}")
        #expect(nested.value == 1 && nested.list == [2])
        #expect(
            decodeError(Nested.self, "inner-part:\n  some-value: 1\n  some-valu: 2")
                == "app.yaml:3:3: inner-part.some-valu: unknown key; did you mean \"some-value\"?"
        )
        #expect(
            decodeError(Nested.self, "inner-part: {some-value: 1}\nlist: [{some-value: 2, x: 3}]")
                == "app.yaml:2:24: list[0].x: unknown key; known keys: some-value"
        )
    }

    class Base: Decodable { var name: String = "" }

    final class Derived: Base {
        enum Keys: String, CodingKey { case size }
        var size: Int
        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            size = try container.decode(Int.self, forKey: .size)
            try super.init(from: container.superDecoder())
        }
    }

    @Test func superclasses() throws {
        let derived = try decodeValue(Derived.self, "{size: 1, super: {name: a}}")
        #expect(derived.size == 1 && derived.name == "a")
        #expect(
            decodeError(Derived.self, "{size: 1, super: {name: a, nam: b}}")
                == "app.yaml:1:28: super.nam: unknown key; did you mean \"name\"?"
        )
    }

    struct Flattened: Decodable {
        struct A: Decodable { var a: Int }
        struct B: Decodable { var b: Int }
        var sum: Int
        init(from decoder: any Decoder) throws { sum = try A(from: decoder).a + B(from: decoder).b }
    }

    @Test func twoTypesMayShareAMapping() throws {
        #expect(try decodeValue(Flattened.self, "{a: 1, b: 2}").sum == 3)
        #expect(decodeError(Flattened.self, "{a: 1, b: 2, c: 3}") == "app.yaml:1:14: c: unknown key; known keys: a, b")
    }

    struct NoKeys: Codable {}

    @Test func aTypeWithoutKeysKnowsNone() {
        #expect(decodeError(NoKeys.self, "{a: 1}") == "app.yaml:1:2: a: unknown key; no keys are known here")
    }

    enum Backend: Codable, Equatable {
        case memory
        case file(directory: String)
        case etcdCluster(endpoints: [String])
    }

    @Test func enumerationsWithPayload() throws {
        #expect(try decodeValue(Backend.self, "{memory: {}}") == .memory)
        #expect(try decodeValue(Backend.self, "{file: {directory: a}}") == .file(directory: "a"))
        #expect(try decodeValue(Backend.self, "{etcd-cluster: {endpoints: [a]}}") == .etcdCluster(endpoints: ["a"]))
        #expect(
            decodeError(Backend.self, "v: {file: {directory: a, x: 1}}", at: "v")
                == "app.yaml:1:26: v.file.x: unknown key; known keys: directory"
        )
        #expect(decodeError(Backend.self, "v: {fil: {}}", at: "v").hasPrefix("app.yaml:1:4: v: "))
        #expect(
            decodeError(Backend.self, "v: {file: {directory: a}, memory: {}}", at: "v").hasPrefix("app.yaml:1:4: v: "))
    }

    // MARK: - Errors of the type itself

    struct Port: Decodable {
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            switch try container.decode(Int.self) {
            case 0: throw ConfigurationError(message: "port 0 is for tests")
            case 1: throw DecodingError.dataCorruptedError(in: container, debugDescription: "port 1 is taken")
            case 2: throw Refusal()
            default: break
            }
        }
        struct Refusal: Error, CustomStringConvertible { var description: String { "port 2 is odd" } }
    }

    struct KeyedError: Decodable {
        enum Keys: String, CodingKey { case somePort, list }
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            if container.contains(.list) {
                var list = try container.nestedUnkeyedContainer(forKey: .list)
                _ = try list.decode(Int.self)
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "bad list")
            }
            throw DecodingError.dataCorruptedError(forKey: .somePort, in: container, debugDescription: "bad port")
        }
    }

    @Test(arguments: [
        ("a: [0]", "app.yaml:1:5: a[0]: port 0 is for tests"), ("a: [5, 1]", "app.yaml:1:8: a[1]: port 1 is taken"),
        ("a: [2]", "app.yaml:1:5: a[0]: port 2 is odd"),
    ])
    func errorsOfTypesAreLocated(yaml: String, error: String) {
        #expect(decodeError([String: [Port]].self, yaml) == error)
    }

    @Test func errorsAboutOneKeyAreLocatedThere() {
        #expect(decodeError(KeyedError.self, "v: {some-port: 5}", at: "v") == "app.yaml:1:16: v.some-port: bad port")
        #expect(decodeError(KeyedError.self, "v: {list: [5]}", at: "v") == "app.yaml:1:11: v.list[1]: bad list")
    }

    struct Lenient: Decodable, Equatable {
        var hosts: [String]
        enum Keys: String, CodingKey { case hosts }
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            if let one = try? container.decode(String.self, forKey: .hosts) {
                hosts = [one]
            } else {
                hosts = try container.decode([String].self, forKey: .hosts)
            }
        }
    }

    @Test func aTypeMayTryOneThingAfterTheOther() throws {
        #expect(try decodeValue(Lenient.self, "{hosts: a}").hosts == ["a"])
        #expect(try decodeValue(Lenient.self, "{hosts: [a, b]}").hosts == ["a", "b"])
    }
}
