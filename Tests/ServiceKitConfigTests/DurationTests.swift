import ServiceKitConfig
import Testing

@Suite struct DurationTests {
    @Test(arguments: [
        ("0", Duration.zero), ("0s", .zero), ("1s", .seconds(1)), ("250ms", .milliseconds(250)),
        ("1m30s", .seconds(90)), ("2h", .seconds(7200)), ("100us", .microseconds(100)), ("5ns", .nanoseconds(5)),
        ("1.5s", .milliseconds(1500)), ("0.25h", .seconds(900)), ("1h0m0s", .seconds(3600)), ("-30s", .seconds(-30)),
        ("\"30s\"", .seconds(30)), ("1h2m3s4ms5us6ns", .seconds(3723) + .nanoseconds(4_005_006)),
        ("0.000000001s", .nanoseconds(1)),
    ])
    func durations(yaml: String, duration: Duration) throws {
        #expect(try decodeValue(Duration.self, yaml) == duration)
    }

    @Test(arguments: [
        ("30", "\"30\"; add a unit: h, m, s, ms, us, ns"),
        ("1m30", "\"1m30\"; add a unit: h, m, s, ms, us, ns"),
        ("1.5", "\"1.5\"; add a unit: h, m, s, ms, us, ns"),
        ("1d", "\"1d\"; units are h, m, s, ms, us, ns"),
        ("5S", "\"5S\"; units are h, m, s, ms, us, ns"),
        ("30s1m", "\"30s1m\"; write larger units first, each once"),
        ("1s1s", "\"1s1s\"; write larger units first, each once"),
        ("30 s", "\"30 s\"; leave the space out"), ("s", "\"s\""), ("\"-\"", "the quoted text \"-\""),
        ("\"\"", "the quoted text \"\""), (".5s", "\".5s\""), ("1.s", "\"1.s\""), ("[]", "a sequence"),
        ("null", "null"), ("1s!", "\"1s!\""),
    ])
    func noDurations(yaml: String, found: String) {
        let error = decodeError(Duration.self, "v:\n  \(yaml)", at: "v")
        let expected = "app.yaml:2:3: v: expected a duration such as 30s, 250ms or 1m30s, found \(found)"
        #expect(error == expected)
    }

    @Test(arguments: [
        ("9999999h", "a duration of at most 292 years"), ("2562047h48m", "a duration of at most 292 years"),
        ("999999999999999999h", "a duration of at most 292 years"),
        ("9999999999999999999ns", "a number of at most 18 digits"),
    ])
    func durationsAreLimited(yaml: String, expected: String) {
        #expect(
            decodeError(Duration.self, "v: \(yaml)", at: "v")
                == "app.yaml:1:4: v: expected \(expected), found \"\(yaml)\""
        )
    }

    struct Settings: ConfigurationSection {
        var waits: [Duration] = [
            .zero, .seconds(1), .milliseconds(1), .microseconds(1), .nanoseconds(1), .seconds(3661),
            .milliseconds(90_500), .seconds(-5), .seconds(7200) + .nanoseconds(7), .nanoseconds(Int64.max),
        ]
    }

    @Test func defaultsSurvive() throws {
        #expect(try Configuration().decode(Settings.self, at: "").waits == Settings().waits)
    }
}
