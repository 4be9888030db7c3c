import Foundation
import Testing

@testable import ServiceKitConfig

/// The description of sections, from their types alone.
struct OptionDescriptionTests {
    enum Level: String, Codable, CaseIterable { case low, high }

    /// A type that reads one text by itself.
    struct Address: Codable, Equatable {
        var text: String
        init(from decoder: any Decoder) throws { text = try decoder.singleValueContainer().decode(String.self) }
        func encode(to encoder: any Encoder) throws { try text.encode(to: encoder) }
    }

    struct Pool: ConfigurationSection {
        var size = 4
        var idle: Duration? = .seconds(5)
        static let ranges = [OptionRange("size", \Pool.size, 1...64)]
        static let help = ["size": "how many connections there are"]
    }

    struct Database: ConfigurationSection {
        var url: String?
        var port: UInt16 = 5432
        var level = Level.low
        var names = ["a", "b"]
        var labels: [String: Duration] = [:]
        var pools: [Pool] = []
        var password = Secret("hunter2")
        var token = "hunter2"
        var address: Address?
        var ratio: Double?
        var isFast: Bool?
        var count: Int?
        var buffer = ByteCount.mebibytes(1)
        var pool = Pool()
        var spare: Pool?
        static let help = ["url": "the place", "extra": "what another type reads"]
    }

    private func options() -> [String: OptionDescription] {
        let configuration = Configuration()
        configuration.register(Database.self, at: "db")
        configuration.register(Bool?.self, at: "db.extra", live: ["db.extra"])
        return Dictionary(configuration.options.map { ($0.path, $0) }) { first, _ in first }
    }

    @Test func everyPropertyHasItsKindDefaultRangeAndHelp() throws {
        let options = options()
        func kind(_ key: String) -> String? { options[key].map { "\($0.shape)\($0.isOptional ? "?" : "")" } }
        #expect(kind("db.url") == "scalar(ServiceKitConfig.ScalarKind.text)?")
        #expect(kind("db.count") == "scalar(ServiceKitConfig.ScalarKind.integer)?")
        #expect(kind("db.ratio") == "scalar(ServiceKitConfig.ScalarKind.fraction)?")
        #expect(kind("db.is-fast") == "scalar(ServiceKitConfig.ScalarKind.boolean)?")
        #expect(kind("db.address") == "scalar(ServiceKitConfig.ScalarKind.text)?")
        #expect(kind("db.level") == #"choice(["low", "high"])"#)
        #expect(kind("db.names") == "list(ServiceKitConfig.OptionShape.scalar(ServiceKitConfig.ScalarKind.text))")
        #expect(
            kind("db.labels") == "dictionary(ServiceKitConfig.OptionShape.scalar(ServiceKitConfig.ScalarKind.duration))"
        )
        #expect(options["db.names"]?.defaultValue == "[a, b]")
        #expect(options["db.buffer"]?.defaultValue == "1MiB")
        #expect(options["db.port"]?.bounds?.text == "0 to 65535")
        #expect(options["db.pool.size"]?.bounds?.text == "1 to 64")
        #expect(options["db.pool.size"]?.help == "how many connections there are")
        #expect(options["db.pool.idle"]?.defaultValue == "5s")
        #expect(options["db.spare.size"]?.defaultValue == "4", "a section that is not there by default")
        #expect(options["db.extra"]?.help == "what another type reads")
        #expect(options["db.extra"]?.isLive == true)
        #expect(options["db.url"]?.isLive == false)
    }

    @Test func secretHasNoDefault() {
        let options = options()
        for key in ["db.password", "db.token"] {
            #expect(options[key]?.isSecret == true)
            #expect(options[key]?.defaultValue == nil)
        }
        #expect(!"\(options)".contains("hunter2"))
    }

    @Test func readSectionIsDescribedLikeARegisteredOne() throws {
        let configuration = try Configuration(yaml: "pool: {size: 7}")
        _ = try configuration.decode(Pool.self, at: "pool")
        _ = try configuration.decodeIfPresent(String.self, at: "name")
        #expect(configuration.options.map(\.path) == ["pool.size", "pool.idle", "name"])
        #expect(configuration.options.map(\.defaultValue) == ["4", "5s", nil])
    }

    @Test func typeWithinItselfIsDescribedOnce() {
        final class Tree: ConfigurationSection {
            let size = 1
            let left: [Tree] = []
            enum CodingKeys: CodingKey { case size, left }
            init() {}
            init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: CodingKeys.self)
                _ = try values.decode(Int.self, forKey: .size)
                _ = try values.decode([Tree].self, forKey: .left)
            }
            func encode(to encoder: any Encoder) throws {
                var values = encoder.container(keyedBy: CodingKeys.self)
                try values.encode(size, forKey: .size)
                try values.encode(left, forKey: .left)
            }
        }
        let configuration = Configuration()
        configuration.register(Tree.self, at: "tree")
        #expect(configuration.options.map(\.path) == ["tree.size", "tree.left"])
    }

    @Test func schemaHasNoSecret() throws {
        let configuration = Configuration()
        configuration.register(Database.self, at: "db")
        for form in ConfigurationForm.allCases {
            let text = try configuration.description(as: form)
            #expect(!text.contains("hunter2"))
            #expect(text.contains("password"))
        }
    }

    @Test func schemaSaysTypeRangeAndDefault() throws {
        let configuration = Configuration()
        configuration.register(Pool.self, at: "pool")
        let text = try configuration.description(as: .schema, of: "user-service")
        let schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        #expect(schema["additionalProperties"] as? Bool == false)
        let sections = try #require(schema["properties"] as? [String: [String: Any]])
        let options = try #require(sections["pool"]?["properties"] as? [String: [String: Any]])
        let size = try #require(options["size"])
        #expect(size["type"] as? [String] == ["integer", "string"])
        #expect(size["minimum"] as? Int == 1)
        #expect(size["maximum"] as? Int == 64)
        #expect(size["default"] as? Int == 4)
        #expect((size["description"] as? String)?.hasPrefix("how many connections there are; from 1 to 64; ") == true)
        #expect(options["idle"]?["type"] as? [String] == ["string", "integer", "null"])
    }

    struct Limits: ConfigurationSection {
        var time = Duration.seconds(1)
        var pause = Duration.zero
        var offset = Duration.zero
        var size = ByteCount.mebibytes(1)

        static let ranges = [
            OptionRange("time", \Limits.time, .milliseconds(1)...(.seconds(60))),
            OptionRange("pause", \Limits.pause, .zero...(.seconds(60))),
            OptionRange("size", \Limits.size, .kibibytes(1)...(.mebibytes(16))),
        ]
    }

    @Test func schemaSaysRangesOfDurationsAndSizesAsFarAsItCan() throws {
        let configuration = Configuration()
        configuration.register(Limits.self, at: "limits")
        let text = try configuration.description(as: .schema)
        let schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let sections = try #require(schema["properties"] as? [String: [String: Any]])
        let options = try #require(sections["limits"]?["properties"] as? [String: [String: Any]])
        func matches(_ key: String, _ text: String) throws -> Bool {
            try text.contains(Regex(#require(options[key]?["pattern"] as? String)))
        }
        #expect(options["time"]?["type"] as? [String] == ["string"])
        #expect(options["pause"]?["type"] as? [String] == ["string", "integer"])
        #expect(options["pause"]?["maximum"] as? Int == 0)
        #expect(options["size"]?["minimum"] as? Int == 1024)
        #expect(options["size"]?["maximum"] as? Int == 16 << 20)
        for key in ["time", "pause", "offset"] {
            #expect(try matches(key, "1m30.5s"))
            #expect(try matches(key, "${TIME:1s}"))
            #expect(try !matches(key, "1x"))
            #expect(try matches(key, "0") == (key != "time"), "\(key)")
            #expect(try matches(key, "-1s") == (key == "offset"), "\(key)")
        }
    }

    /// As written it sets nothing; with the options' marks removed, it sets their defaults.
    @Test func referenceSetsNothingAndItsOptionsAreTheDefaults() throws {
        let configuration = Configuration()
        configuration.register(Pool.self, at: "pool")
        let text = try configuration.description(as: .reference)
        #expect(text.contains("  # how many connections there are (1 to 64)\n  #size: 4\n"))
        let written = try Configuration(yaml: text)
        #expect(try written.decode(Pool.self, at: "pool").size == 4)
        try written.checkForUnknownKeys()
        let lines = text.split(separator: "\n").map { line in
            line.drop { $0 == " " }.hasPrefix("# ") ? "" : line.replacing("#", with: "", maxReplacements: 1)
        }
        #expect(
            try Configuration(yaml: lines.joined(separator: "\n")).decode(Pool.self, at: "pool").idle == .seconds(5))
    }
}
