import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite struct MiddlewareChainTests {
    let events = Events()

    /// Another type than ``Recording``, so that neither replaces the other.
    struct Other: Middleware {
        let name: String
        let events: Events

        func handle(_ call: Call, next: Next) async throws -> CallResult {
            events.record(name)
            return try await next(call)
        }
    }

    struct Changing: Middleware {
        func handle(_ call: Call, next: Next) async throws -> CallResult {
            var call = call
            call.metadata["x-a"] = "1"
            var result = try await next(call)
            result.trailers["x-b"] = "2"
            return result
        }
    }

    struct Refusing: Middleware {
        func handle(_ call: Call, next: Next) async throws -> CallResult { throw Failure("refused") }
    }

    struct Replacing: Middleware {
        func handle(_ call: Call, next: Next) async throws -> CallResult {
            do {
                return try await next(call)
            } catch {
                throw Failure("replaced \(error)")
            }
        }
    }

    func run(_ chain: MiddlewareChain, path: String = "/a/b", failure: Failure? = nil) async throws -> CallResult {
        try await chain.pipeline(for: path).run(.served(path)) { [events] call in
            events.record("call \(call.metadata["x-a"] ?? "-")")
            if let failure { throw failure }
            return CallResult()
        }
    }

    @Test func theFirstIsTheOutermost() async throws {
        var chain = MiddlewareChain()
        chain.use(Recording(name: "a", events: events))
        chain.use(Recording(name: "b", events: events), for: .prefix("/"))
        _ = try await run(chain)
        #expect(events.all == ["a before", "b before", "call -", "b after", "a after"])
    }

    @Test func withoutMiddlewareThereIsTheCall() async throws {
        let chain = MiddlewareChain()
        #expect(chain.isEmpty && chain.pipeline(for: "/").isEmpty)
        _ = try await run(chain)
        #expect(events.all == ["call -"])
    }

    @Test func aCallAndItsResultCanBeChanged() async throws {
        var chain = MiddlewareChain()
        chain.use(Changing())
        #expect(try await run(chain).trailers == ["x-b": "2"])
        #expect(events.all == ["call 1"])
    }

    @Test func throwingBeforeNextAnswersTheCall() async {
        var chain = MiddlewareChain()
        chain.use(Recording(name: "a", events: events))
        chain.use(Refusing())
        await #expect(throws: Failure("refused")) { try await run(chain) }
        #expect(events.all == ["a before", "a after"])
    }

    @Test func throwingAfterNextReplacesTheOutcome() async {
        var chain = MiddlewareChain()
        chain.use(Replacing())
        await #expect(throws: Failure("replaced no")) { try await run(chain, failure: Failure("no")) }
    }

    @Test func oneOfTheSameTypeForAllCallsTakesThePlace() async throws {
        var chain = MiddlewareChain()
        chain.use(Recording(name: "default", events: events))
        chain.use(Other(name: "other", events: events))
        chain.use(Recording(name: "mine", events: events))
        _ = try await run(chain)
        #expect(events.all == ["mine before", "other", "call -", "mine after"])
    }

    @Test func oneWithARuleIsAnother() async throws {
        var chain = MiddlewareChain()
        chain.use(Other(name: "some", events: events), for: .prefix("/a/"))
        chain.use(Other(name: "all", events: events))
        chain.use(Other(name: "one", events: events), for: .exact("/a/b"))
        _ = try await run(chain, path: "/a/b")
        _ = try await run(chain, path: "/a/c")
        _ = try await run(chain, path: "/b/b")
        #expect(events.all == ["some", "all", "one", "call -", "some", "all", "call -", "all", "call -"])
    }

    @Test func removingTakesAllOfAType() async throws {
        var chain = MiddlewareChain()
        chain.use(Other(name: "all", events: events))
        chain.use(Other(name: "one", events: events), for: .exact("/a/b"))
        chain.use(Changing())
        chain.remove(Other.self)
        _ = try await run(chain)
        #expect(events.all == ["call 1"])
    }

    @Test func rulesMatchByPath() {
        #expect(PathRule.all.matches("/a/b"))
        #expect(PathRule.exact("/a/b").matches("/a/b") && !PathRule.exact("/a/b").matches("/a/bc"))
        #expect(PathRule.prefix("/a/").matches("/a/b") && !PathRule.prefix("/a/").matches("/ab/c"))
    }

    @Test func pipelinesArePickedByPathAndTheirNumberIsBounded() {
        var chain = MiddlewareChain()
        chain.use(Refusing(), for: .exact("/a/b"))
        let pipelines = MiddlewarePipelines(chain)
        for number in 0..<(2 * MiddlewarePipelines.maximumPaths) {
            #expect(pipelines["/\(number)"].isEmpty)
            #expect(pipelines.count <= MiddlewarePipelines.maximumPaths)
        }
        #expect(!pipelines["/a/b"].isEmpty && !pipelines["/a/b"].isEmpty)
    }

    @Test func withoutRulesNoPathIsRemembered() {
        var chain = MiddlewareChain()
        chain.use(Refusing())
        let pipelines = MiddlewarePipelines(chain)
        #expect(!pipelines.isEmpty && !pipelines["/a/b"].isEmpty)
        #expect(pipelines.count == 0)
    }

    @Test func anAppHasTheDefaultsAndTheyCanBeReplaced() async throws {
        let test = try AppUnderTest()
        test.app.use(Recording(name: "mine", events: test.events))
        test.app.use(Recovery(logger: test.log.logger("other")))
        let chain = test.app.serverMiddleware
        await #expect(throws: ServiceError.self) {
            try await chain.pipeline(for: "/a/b").run(.served("/a/b")) { _ in throw Failure("secret") }
        }
        // From the outside in: the log has what recovery made of it, recovery what my middleware let through.
        #expect(test.events.all == ["mine before", "mine after"])
        #expect(test.log.entries.map(\.message) == ["unexpected error in a handler", "call"])
        #expect(!test.app.clientMiddleware.isEmpty)
    }
}
