import ServiceKitConfig
import Testing

/// Types with their own `init(from:)` and `encode(to:)`, for every kind of container.
@Suite struct CustomCodingTests {
    struct Named: Codable {
        var name = "a"
    }

    /// Superclasses, nested containers of both kinds, null and 128 bits, in mappings.
    struct Keyed: ConfigurationSection {
        enum Keys: String, CodingKey { case nothing, numberList, parent, group }
        enum Inner: String, CodingKey { case bigNumber }

        var nothing: Int?
        var numbers: [Int128] = [.max, .min]
        var names = ["a", "a"]
        var big: UInt128 = .max

        init() {}

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            nothing = try container.decode(Int?.self, forKey: .nothing)
            var list = try container.nestedUnkeyedContainer(forKey: .numberList)
            numbers = try [list.decode(Int128.self), list.decode(Int128.self)]
            names = try [
                Named(from: container.superDecoder()).name,
                Named(from: container.superDecoder(forKey: .parent)).name,
            ]
            let group = try container.nestedContainer(keyedBy: Inner.self, forKey: .group)
            big = try group.decode(UInt128.self, forKey: .bigNumber)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encodeNil(forKey: .nothing)
            var list = container.nestedUnkeyedContainer(forKey: .numberList)
            for number in numbers { try list.encode(number) }
            try Named(name: names[0]).encode(to: container.superEncoder())
            try Named(name: names[1]).encode(to: container.superEncoder(forKey: .parent))
            var group = container.nestedContainer(keyedBy: Inner.self, forKey: .group)
            try group.encode(big, forKey: .bigNumber)
        }
    }

    @Test func mappings() throws {
        let defaults = try Configuration().decode(Keyed.self, at: "")
        #expect(defaults.nothing == nil && defaults.numbers == [.max, .min] && defaults.big == .max)
        let yaml = "{number-list: [1, 2], super: {name: b}, parent: {name: c}, group: {big-number: 3}, nothing: 4}"
        let keyed = try Configuration(yaml: yaml).decode(Keyed.self, at: "")
        #expect(keyed.nothing == 4 && keyed.numbers == [1, 2] && keyed.big == 3)
        #expect(keyed.names == ["b", "c"])
        #expect(
            decodeError(Keyed.self, "{parent: {nam: c}}")
                == "app.yaml:1:11: parent.nam: unknown key; did you mean \"name\"?"
        )
    }

    /// The same in a sequence.
    struct Unkeyed: Codable, Equatable {
        enum Keys: String, CodingKey { case value }

        var optional: Int?
        var big: UInt128 = .max
        var list = [1]
        var value = 2
        var name = "a"

        init() {}

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            try #require(container.count == 5)
            optional = try container.decodeNil() ? nil : container.decode(Int.self)
            big = try container.decode(UInt128.self)
            var elements = try container.nestedUnkeyedContainer()
            list = try [elements.decode(Int.self)]
            value = try container.nestedContainer(keyedBy: Keys.self).decode(Int.self, forKey: .value)
            name = try Named(from: container.superDecoder()).name
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.unkeyedContainer()
            if let optional { try container.encode(optional) } else { try container.encodeNil() }
            try container.encode(big)
            var elements = container.nestedUnkeyedContainer()
            try elements.encode(contentsOf: list)
            var keyed = container.nestedContainer(keyedBy: Keys.self)
            try keyed.encode(value, forKey: .value)
            try Named().encode(to: container.superEncoder())
        }
    }

    struct Owner: ConfigurationSection {
        var list = Unkeyed()
        var wide = Wide(value: .min)
    }

    /// A single 128-bit value.
    struct Wide: Codable, Equatable {
        var value: Int128

        init(value: Int128) { self.value = value }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            _ = try? container.decode(UInt128.self)
            value = try container.decode(Int128.self)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }
    }

    @Test func sequencesAndSingleValues() throws {
        let defaults = try Configuration().decode(Owner.self, at: "")
        #expect(defaults.list == Unkeyed() && defaults.wide.value == .min)
        let owner = try Configuration(yaml: "{list: [7, 8, [9], {value: 10}, {name: b}], wide: 11}")
            .decode(Owner.self, at: "")
        #expect(owner.list.optional == 7 && owner.list.big == 8 && owner.list.list == [9])
        #expect(owner.list.value == 10 && owner.list.name == "b" && owner.wide.value == 11)
        #expect(
            decodeError(Owner.self, "{list: [~, 8, [9], {value: 10, valu: 1}, {name: c}]}")
                == "app.yaml:1:32: list[3].valu: unknown key; did you mean \"value\"?"
        )
    }

    struct MissingKey: Decodable {
        enum Keys: String, CodingKey { case somePort }
        init(from decoder: any Decoder) throws {
            let path = decoder.codingPath
            throw DecodingError.keyNotFound(Keys.somePort, .init(codingPath: path, debugDescription: "none"))
        }
    }

    @Test func aMissingKeyIsNamedWhereItShouldBe() {
        #expect(
            decodeError(MissingKey.self, "v: {a: 1}", at: "v") == "app.yaml:1:4: v.some-port: required key is missing")
    }
}
