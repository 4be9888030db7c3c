import ServiceContextModule
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite struct MiddlewareChainTests {
    let events = Events()

    /// A type other than ``Recording``, so that neither replaces the other.
    struct Other: Middleware {
        let name: String
        let events: Events

        func begin(_ call: inout Call) { events.record(name) }
    }

    struct Changing: Middleware {
        func begin(_ call: inout Call) {
            call.metadata["x-a"] = "1"
            call.onEnd { _, result in result.trailers["x-b"] = "2" }
        }
    }

    struct Refusing: Middleware {
        /// Waits before it refuses, like a middleware that asks another service.
        func begin(_ call: inout Call) async throws {
            await Task.yield()
            call.onEnd { _, result in result.trailers["refused"] = "yes" }
            throw Failure("refused")
        }
    }

    struct Replacing: Middleware {
        func begin(_ call: inout Call) {
            call.onEnd { _, result in
                if let error = result.error { result.fail(with: Failure("replaced \(error)")) }
            }
        }
    }

    func run(_ chain: MiddlewareChain, operation: String = "/a/b", failure: Failure? = nil) async -> CallResult {
        await chain.run(.served(operation)) { [events] call in
            events.record("call \(call.metadata["x-a"] ?? "-")")
            if let failure { throw failure }
            return CallResult()
        }
    }

    @Test func theFirstMiddlewareBeginsFirstAndEndsLast() async {
        var chain = MiddlewareChain()
        chain.use(Recording(name: "a", events: events))
        chain.use(Recording(name: "b", events: events), for: .prefix("/"))
        _ = await run(chain)
        #expect(events.all == ["a begins", "b begins", "call -", "b ends", "a ends"])
    }

    @Test func anEmptyChainRunsTheCallAlone() async {
        let chain = MiddlewareChain()
        #expect(chain.isEmpty)
        _ = await run(chain)
        #expect(events.all == ["call -"])
    }

    @Test func changedHeadersReachTheCallAndChangedTrailersTheResult() async {
        let result = await run(MiddlewareChain(Changing()))
        #expect(result.error == nil && result.trailers == ["x-b": "2"])
        #expect(events.all == ["call 1"])
    }

    @Test func throwingInBeginAnswersTheCallAndEndsThoseOutside() async {
        let chain = MiddlewareChain(
            Recording(name: "a", events: events),
            Refusing(),
            Other(name: "inside", events: events)
        )
        let result = await run(chain)
        #expect(result.error as? Failure == Failure("refused"))
        // The end that the refusing middleware had left before it threw.
        #expect(result.trailers == ["refused": "yes"])
        #expect(events.all == ["a begins", "a ends: refused"])
    }

    @Test func anEndReplacesTheErrorForThoseOutside() async {
        let result = await run(
            MiddlewareChain(Recording(name: "a", events: events), Replacing()),
            failure: Failure("no")
        )
        #expect(result.error as? Failure == Failure("replaced no"))
        #expect(events.all == ["a begins", "call -", "a ends: replaced no"])
    }

    @Test func failingDropsEarlierTrailers() {
        var result = CallResult(trailers: ["a": "1"], attempts: 2)
        result.fail(with: Failure("no"))
        #expect(result.error as? Failure == Failure("no"))
        #expect(result.trailers.isEmpty && result.attempts == 2)
    }

    @Test func endRunsOnce() {
        var call = Call.made()
        call.onEnd { [events] call, _ in events.record("end of \(call.operation)") }
        var result = CallResult()
        call.end(with: &result)
        call.end(with: &result)
        #expect(events.all == ["end of /user.v1.UserService/GetUser"])
    }

    @Test func anEndSeesTheCallAsTheLastMiddlewareLeftIt() async {
        struct Outer: Middleware {
            let events: Events

            func begin(_ call: inout Call) {
                call.onEnd { [events] call, _ in events.record("x-a=\(call.metadata["x-a"] ?? "-")") }
            }
        }
        _ = await run(MiddlewareChain(Outer(events: events), Changing()))
        #expect(events.all == ["call 1", "x-a=1"])
    }

    @Test(arguments: [Call.Side.server, .client])
    func eachSideHasItsOwnBegin(side: Call.Side) async {
        struct Sides: Middleware {
            let events: Events

            func beginServing(_ call: inout Call) { events.record("serving") }
            func beginCalling(_ call: inout Call) { events.record("calling") }
        }
        struct Nothing: Middleware {}
        let chain = MiddlewareChain(Recording(name: "both", events: events), Sides(events: events), Nothing())
        _ = await chain.run(Call(side: side, operation: "/a/b")) { _ in CallResult() }
        #expect(events.all == ["both begins", side == .server ? "serving" : "calling", "both ends"])
    }

    @Test(arguments: [Call.Side.server, .client])
    func middlewareThatNeverWaitsKeepsItsPlaceBesideOneThatDoes(side: Call.Side) async {
        struct Synchronous: SynchronousMiddleware {
            let events: Events

            func begin(_ call: inout Call) { events.record("begins") }
            func beginServing(_ call: inout Call) throws {
                events.record("serving")
                throw Failure("refused")
            }
            func beginCalling(_ call: inout Call) { events.record("calling") }
        }
        struct Waiting: Middleware {
            let events: Events

            func begin(_ call: inout Call) async {
                await Task.yield()
                events.record("waited")
            }
        }
        struct Nothing: SynchronousMiddleware {}
        let chain = MiddlewareChain(Waiting(events: events), Nothing(), Synchronous(events: events), Refusing())
        let result = await chain.run(Call(side: side, operation: "/a/b")) { _ in CallResult() }
        #expect(events.all == ["waited", "begins", side == .server ? "serving" : "calling"])
        // The error is of the middleware that threw first.
        #expect(result.trailers == (side == .server ? [:] : ["refused": "yes"]))
    }

    @Test func theContextOfTheCallIsCurrentInTheBodyOnly() async {
        struct InContext: Middleware {
            func begin(_ call: inout Call) { call.context.outgoingMetadata = ["k": "v"] }
        }
        let result = await MiddlewareChain(InContext()).run(.served()) { _ in
            #expect(ServiceContext.current?.outgoingMetadata == ["k": "v"])
            return CallResult()
        }
        #expect(result.error == nil && ServiceContext.current == nil)
    }

    @Test func attemptsBeginFromTheOutsideInAndEndFromTheInsideOut() async throws {
        struct Attempts: Middleware {
            let name: String
            let events: Events

            func beginCalling(_ call: inout Call) {
                call.onAttempt { [name, events] attempt in
                    attempt.metadata.append(name, for: "by")
                    events.record("\(name) begins \(attempt.number) on \(attempt.node.instance.id)")
                    attempt.onEnd { report in events.record("\(name) ends with \(report.code?.description ?? "-")") }
                }
            }
        }
        var chain = MiddlewareChain(Attempts(name: "a", events: events))
        chain.use(Attempts(name: "b", events: events), for: .prefix("/"))
        var call = Call.made()
        try await chain.begin(&call)
        let instance = ServiceInstance(id: "user-1", name: "user-service")
        let node = Node(instance: instance, endpoint: Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000))
        var attempt = CallAttempt(operation: call.operation, number: 2, node: node)
        try call.begin(&attempt)
        #expect(attempt.metadata.values(of: "by") == ["a", "b"])
        attempt.end(with: CallReport(node: node, operation: call.operation, code: .unavailable, outcome: .failure))
        attempt.end(with: CallReport(node: node, operation: call.operation, outcome: .success))
        #expect(
            events.all == ["a begins 2 on user-1", "b begins 2 on user-1", "b ends with 503", "a ends with 503"]
        )
    }

    @Test func middlewareOfTheSameTypeForAllCallsReplacesTheFirst() async {
        var chain = MiddlewareChain()
        chain.use(Recording(name: "default", events: events))
        chain.use(Other(name: "other", events: events))
        chain.use(Recording(name: "mine", events: events))
        _ = await run(chain)
        #expect(events.all == ["mine begins", "other", "call -", "mine ends"])
    }

    @Test func middlewareOfTheSameTypeWithARuleIsAdded() async {
        var chain = MiddlewareChain()
        chain.use(Other(name: "some", events: events), for: .prefix("/a/"))
        chain.use(Other(name: "all", events: events))
        chain.use(Other(name: "one", events: events), for: .exact("/a/b"))
        _ = await run(chain, operation: "/a/b")
        _ = await run(chain, operation: "/a/c")
        _ = await run(chain, operation: "/b/b")
        #expect(events.all == ["some", "all", "one", "call -", "some", "all", "call -", "all", "call -"])
    }

    @Test func removingTakesAllOfAType() async {
        var chain = MiddlewareChain()
        chain.use(Other(name: "all", events: events))
        chain.use(Other(name: "one", events: events), for: .exact("/a/b"))
        chain.use(Changing())
        chain.remove(Other.self)
        _ = await run(chain)
        #expect(events.all == ["call 1"])
    }

    @Test func rulesMatchByOperation() {
        #expect(OperationRule.all.matches("/a/b"))
        #expect(OperationRule.exact("/a/b").matches("/a/b") && !OperationRule.exact("/a/b").matches("/a/bc"))
        #expect(OperationRule.prefix("/a/").matches("/a/b") && !OperationRule.prefix("/a/").matches("/ab/c"))
    }

    @Test func anAppHasTheDefaultsAndTheyCanBeReplaced() async throws {
        let test = try AppUnderTest()
        test.app.use(Recording(name: "mine", events: test.events))
        test.app.use(ErrorMasking(logger: test.log.logger("other")))
        let result = await test.app.serverMiddleware.run(.served("/a/b")) { _ in throw Failure("secret") }
        #expect(result.error is ServiceError)
        // From the inside out: the masking logs the error that my middleware let through, the log has the masked one.
        #expect(test.events.all == ["mine begins", "mine ends: secret"])
        #expect(test.log.entries.map(\.message) == ["unexpected error in a handler", "call"])
        #expect(!test.app.clientMiddleware.isEmpty)
    }
}
