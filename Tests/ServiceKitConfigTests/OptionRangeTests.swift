import ServiceKitConfig
import Testing

/// Ranges of a section's values.
@Suite struct OptionRangeTests {
    struct Pool: ConfigurationSection {
        var size = 4
        var wait = Duration.seconds(1)
        var idle: Duration?
        var buffer = ByteCount.kibibytes(4)
        var growth = 1.5
        var limits: [String: Int] = [:]

        static let ranges: [OptionRange<Pool>] = [
            OptionRange("size", \.size, 1...64),
            OptionRange("wait", \.wait, .zero...(.seconds(90))),
            OptionRange("idle", \.idle, .milliseconds(1)...(.seconds(3600))),
            OptionRange("buffer", \.buffer, .kibibytes(1)...(.mebibytes(1))),
            OptionRange("growth", \.growth, 1...),
            OptionRange("limits", \.limits, 1...9),
        ]
    }

    struct Settings: ConfigurationSection {
        var pool = Pool()
        var pools: [Pool] = []
    }

    @Test(arguments: [
        "size: 1", "size: 64", "wait: 0", "wait: 1m30s", "idle: null", "buffer: 1MiB", "growth: 1", "limits: {a: 1}",
    ])
    func aValueInItsRangeIsRead(_ yaml: String) throws {
        _ = try Configuration(yaml: "pool: {\(yaml)}").decode(Settings.self, at: "")
    }

    @Test(arguments: [
        ("pool: {size: 0}", "1:14: pool.size: expected 1 to 64, found \"0\""),
        ("pool:\n  size: 65", "2:9: pool.size: expected 1 to 64, found \"65\""),
        ("pool: {wait: -1ms}", "1:14: pool.wait: expected 0 to 1m30s, found \"-1ms\""),
        ("pool: {idle: 61m}", "1:14: pool.idle: expected 1ms to 1h, found \"61m\""),
        ("pool: {buffer: 1KB}", "1:16: pool.buffer: expected 1KiB to 1MiB, found \"1KB\""),
        ("pool: {growth: 0.5}", "1:16: pool.growth: expected at least 1.0, found \"0.5\""),
        ("pool: {limits: {a: 9, c: 0, b: 10}}", "1:32: pool.limits.b: expected 1 to 9, found \"10\""),
        ("pools: [{size: 2}, {size: 0}]", "1:27: pools[1].size: expected 1 to 64, found \"0\""),
    ])
    func aValueOutOfItsRangeIsRefusedWithItsPlaceAndTheRange(_ yaml: String, _ error: String) {
        let failure = #expect(throws: ConfigurationError.self) {
            try Configuration(yaml: yaml, origin: "a.yaml").decode(Settings.self, at: "")
        }
        #expect(failure?.description == "a.yaml:\(error)")
    }

    @Test func aValueOutOfItsRangeFromTheEnvironmentNamesTheVariable() {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(files: [], environment: ["KIT_POOL__SIZE": "0"]).decode(Settings.self, at: "")
        }
        #expect(error?.description.contains("KIT_POOL__SIZE") == true)
        #expect(error?.description.contains("expected 1 to 64") == true)
    }

    @Test func keysThatSomebodyElseDecodesAreLeftAlone() throws {
        let configuration = try Configuration(yaml: "pool: {size: 2, extra: {a: 1}}", origin: "a.yaml")
        #expect(try configuration.decode(Pool.self, at: "pool", except: ["extra"]).size == 2)
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.decode(Pool.self, at: "pool", except: ["extras"])
        }
        #expect(error?.description == "a.yaml:1:17: pool.extra: unknown key; did you mean \"extras\"?")
    }
}
