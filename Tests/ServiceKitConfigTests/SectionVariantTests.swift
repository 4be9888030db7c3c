import Testing

@testable import ServiceKitConfig

/// Sections that set for single names what differs from another section.
@Suite struct SectionVariantTests {
    struct Shop: ConfigurationSection, Equatable {
        struct Times: ConfigurationSection, Equatable {
            var open = 8
            var close = 20
        }

        var name = "shop"
        var times = Times()
        var days: [String] = ["mon"]
        var key: Secret<String>?
        var note: String?
        static let ranges = [OptionRange("name", \Shop.name, "a"..."z")]
    }

    private static let shops = SectionVariants(of: "shop", in: "shops", help: "what differs")

    private func configuration(_ yaml: String) throws -> Configuration {
        let configuration = try Configuration(yaml: yaml, origin: "app.yaml")
        configuration.register(Shop.self, at: "shop", live: ["shop.days"])
        configuration.register(Self.shops)
        return configuration
    }

    private func shop(_ name: String, _ yaml: String) throws -> Shop {
        try configuration(yaml).view(of: name, in: Self.shops).decode(Shop.self, at: "shop")
    }

    @Test func variantLiesOverTheSectionKeyByKey() throws {
        let yaml = """
            shop: {name: all, times: {open: 9, close: 19}, days: [sat, sun]}
            shops:
              a.b: {times: {open: 10}, days: [fri]}
              none:
            """
        var all = Shop()
        (all.name, all.times.open, all.times.close, all.days) = ("all", 9, 19, ["sat", "sun"])
        #expect(try shop("none", yaml) == all)
        #expect(try shop("other", yaml) == all)
        (all.times.open, all.days) = (10, ["fri"])
        #expect(try shop("a.b", yaml) == all)
        #expect(try shop("a", "shops: {a: {times: {close: 2}}}").times.close == 2, "there is no section for all")
    }

    @Test(arguments: [
        ("shop: {nam: x}", "app.yaml:1:8: shop.nam: unknown key"),
        ("shops: {a: {nam: x}}", "app.yaml:1:13: shops.a.nam: unknown key"),
        ("shop: {times: {open: x}}\nshops: {a: {times: {close: 1}}}", "app.yaml:1:22: shop.times.open: expected"),
        ("shop: {times: {open: 1}}\nshops: {a: {times: {close: x}}}", "app.yaml:2:28: shops.a.times.close: expected"),
        ("shop: {name: b}\nshops: {a: {name: B}}", "app.yaml:2:19: shops.a.name: expected a to z"),
        ("shops: {a: [1]}", "app.yaml:1:12: shops.a: expected a mapping"),
    ])
    func errorNamesTheSectionInWhichTheValueIsWritten(_ yaml: String, _ start: String) {
        let error = errorText { _ = try shop("a", yaml) }
        #expect(error.hasPrefix(start), "\(error)")
    }

    @Test func valueWithADotInAKeyIsLeftOutByItsPath() throws {
        let rest = try configuration("shops: {a.b: {name: x, note: y}, a: {name: z}}").without("shops.a.b.name")
        #expect(rest?.contains("shops.a.name") == true)
        #expect(rest?.keys(at: "shops") == ["a.b", "a"])
        #expect(try rest?.view(of: "a.b", in: Self.shops).decode(Shop.self, at: "shop").name == "shop")
    }

    @Test func followingAnOptionFollowsItInAllVariants() throws {
        let first = try configuration("shops: {a: {days: [mon], note: x}, b: {note: x}}")
        first.followChanges(at: "shop.days")
        _ = try first.view(of: "a", in: Self.shops).decode(Shop.self, at: "shop")
        _ = try first.view(of: "b", in: Self.shops, isUsed: false).decode(Shop.self, at: "shop")
        let yaml = "shops: {a: {days: [tue], note: y}, b: {note: y}}"
        let next = Configuration(root: try Configuration(yaml: yaml).root, known: KnownKeys(after: first.known))
        #expect(next.changesWithoutFollower(since: first) == ["shops.a.note"])
        #expect(throws: Never.self) { try next.readAgain() }
        let bad = Configuration(
            root: try Configuration(yaml: "shops: {a: {days: {}}}").root, known: KnownKeys(after: first.known))
        #expect(throws: ConfigurationError.self) { try bad.readAgain() }
    }

    @Test func secretOfTheSectionIsASecretInAVariant() throws {
        let old = try configuration("shops: {a: {key: one, note: one}}")
        _ = try old.view(of: "a", in: Self.shops).decode(Shop.self, at: "shop")
        let differences = try configuration("shops: {a: {key: two, note: two}}").differences(since: old)
        #expect(differences.map(\.path) == ["shops.a.key", "shops.a.note"])
        #expect(differences.map(\.new) == [URLSecrets.mask, "two"])
        guard case .mapping(let sections) = old.outline, case .mapping(let shops) = sections[0].value,
            case .mapping(let values) = shops[0].value, case .scalar(let key) = values[0].value
        else { throw ConfigurationError(message: "no outline") }
        #expect(key.isSecret)
    }

    @Test func schemaAllowsEveryOptionInAVariantAndNoOther() throws {
        let schema = try configuration("").description(as: .schema)
        let variants = try #require(schema.split(separator: #""shops" : {"#).last)
        #expect(
            variants.contains(#""additionalProperties" : {"#) && variants.contains(#""additionalProperties" : false"#))
        #expect(variants.contains(#""close" : {"#) && !variants.contains(#""default""#))
        #expect(variants.contains("a change takes effect at once") && variants.contains("what differs"))
        #expect(try configuration("").description(as: .reference).contains("# what differs (a mapping)\n#shops:"))
    }
}
