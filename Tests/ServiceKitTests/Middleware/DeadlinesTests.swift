import ServiceContextModule
import ServiceKitConfig
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct DeadlinesTests {
    /// So far ahead that no real time reaches it.
    let now = ContinuousClock.now + .seconds(3600)

    func deadlines(_ yaml: String) throws -> Deadlines {
        let options = try Configuration(yaml: yaml).decode(Deadlines.Options.self, at: "")
        return Deadlines(Replaceable(options)) { [now] in now }
    }

    static let limits = """
        default: 10s
        methods:
          /a.A/: 5s
          /a.A/Slow: 60s
        """

    @Test(arguments: [("/a.A/Slow", 60), ("/a.A/Get", 5), ("/b.B/Get", 10), ("/a.AB/Get", 10), ("odd", 10)])
    func limitOfTheOperationOverridesServiceAndDefault(operation: String, seconds: Int) async throws {
        let call = try await deadlines(Self.limits).begun(.made(operation))
        #expect(call.deadline == now + .seconds(seconds))
    }

    @Test(arguments: [
        ("default: 0s", "1:10: default: expected 1ms to 8760h, found \"0s\""),
        ("methods: {/a.A/: 1s, /a.A/Get: 0s}", "1:32: methods./a.A/Get: expected 1ms to 8760h, found \"0s\""),
    ])
    func limitOutOfItsRangeNamesThePlaceAndTheRange(_ yaml: String, _ error: String) {
        let failure = #expect(throws: ConfigurationError.self) { try deadlines(yaml) }
        #expect(failure?.description == "inline:\(error)")
    }

    @Test func noLimitGivesNoDeadline() async throws {
        #expect(try await Deadlines().begun(.made()).deadline == nil)
        #expect(try await Deadlines().begun(.served()).deadline == nil)
    }

    @Test(
        arguments: [
            (nil, nil, 10), (7, nil, 7), (20, nil, 10), (nil, 3, 3), (2, 3, 2), (7, 30, 7), (20, 30, 10),
        ] as [(Int?, Int?, Int)])
    func theEarliestDeadlineCounts(own: Int?, served: Int?, expected: Int) async throws {
        var context = ServiceContext.topLevel
        context.deadline = served.map { now + .seconds($0) }
        var call = Call.made("/b.B/Get", deadline: own.map { now + .seconds($0) })
        call.context = context
        let begun = try await deadlines(Self.limits).begun(call)
        #expect(begun.deadline == now + .seconds(expected))
    }

    @Test(arguments: [Call.Side.client, .server])
    func aCallWhoseDeadlineHasPassedIsRefused(side: Call.Side) async throws {
        let call = Call(side: side, operation: "/a.A/Get", deadline: now)
        let result = try await deadlines("{}").run(call) { _ in
            Issue.record("called")
            return CallResult()
        }
        let error = result.error as? ServiceError
        #expect(error?.code == .deadlineExceeded && error?.reason == "DEADLINE_EXCEEDED")
        #expect(error?.message == "/a.A/Get did not end before its deadline")
    }

    @Test func callsMadeWhileServingHaveTheDeadlineOfTheServedCall() async throws {
        let deadlines = try deadlines("default: 10s")
        let now = now
        for (own, expected) in [(4, 4), (20, 10)] {
            let result = await deadlines.run(.served(deadline: now + .seconds(own))) { call in
                #expect(call.deadline == now + .seconds(expected))
                let made = try await Deadlines().begun(.made())
                #expect(made.deadline == now + .seconds(expected))
                return CallResult()
            }
            #expect(result.error == nil)
        }
    }

    @Test func aServedCallWithoutADeadlineInheritsNone() async throws {
        var context = ServiceContext.topLevel
        context.deadline = now
        await ServiceContext.withValue(context) {
            _ = await Deadlines().run(.served()) { _ in
                #expect(ServiceContext.current?.deadline == nil)
                return CallResult()
            }
        }
    }

    /// The transport ends the call; in this test time passes while the handler runs.
    @Test(arguments: [9, 10])
    func anErrorThrownAfterTheDeadlineIsDeadlineExceeded(seconds: Int) async throws {
        struct Failure: Error {}
        let clock = Watched(now)
        let options = try Configuration(yaml: "default: 10s").decode(Deadlines.Options.self, at: "")
        let result = await Deadlines(Replaceable(options), now: { clock.value }).run(.served()) { call in
            #expect(call.deadline == now + .seconds(10))
            clock.set(now + .seconds(seconds))
            throw Failure()
        }
        let error = result.error
        #expect(error is Failure == (seconds < 10))
        #expect((error as? ServiceError)?.code == (seconds < 10 ? nil : .deadlineExceeded))
    }
}
