import Testing

@testable import ServiceKit

@Suite struct StepwiseMiddlewareTests {
    /// Records its two steps.
    private struct Steps: StepwiseMiddleware {
        let name: String
        let events: Events

        func begin(_ call: inout Call) throws -> CallEnded? {
            events.record("\(name) begins")
            call.metadata.append("\(name)", for: "by")
            return { [name, events] outcome in
                switch outcome {
                case .success: events.record("\(name) ends")
                case .failure(let error): events.record("\(name) ends: \(error)")
                }
            }
        }
    }

    private struct Refusing: StepwiseMiddleware {
        func begin(_ call: inout Call) throws -> CallEnded? { throw Failure("refused") }
    }

    private static func pipeline(_ middleware: [any Middleware]) -> MiddlewarePipeline {
        var chain = MiddlewareChain()
        for (index, middleware) in middleware.enumerated() {
            // Each for itself, as one for all calls replaces another of its type.
            chain.use(middleware, for: .prefix(String("/user".prefix(index + 1))))
        }
        return chain.pipeline(for: "/user.v1.UserService/GetUser")
    }

    @Test func aroundACallItIsAsAnyOther() async throws {
        let events = Events()
        let pipeline = Self.pipeline([
            Steps(name: "a", events: events), Recording(name: "b", events: events), Steps(name: "c", events: events),
        ])
        _ = try await pipeline.run(.served()) { call in
            #expect(call.metadata.values(of: "by") == ["a", "c"])
            events.record("call")
            return CallResult()
        }
        #expect(events.all == ["a begins", "b before", "c begins", "call", "c ends", "b after", "a ends"])
    }

    @Test func itIsToldOfAFailure() async throws {
        let events = Events()
        let pipeline = Self.pipeline([Steps(name: "a", events: events)])
        await #expect(throws: Failure.self) { try await pipeline.run(.served()) { _ in throw Failure("no") } }
        #expect(events.all == ["a begins", "a ends: no"])
    }

    @Test func whatItRefusesIsNotPassedOn() async throws {
        let events = Events()
        let pipeline = Self.pipeline([Steps(name: "a", events: events), Refusing()])
        await #expect(throws: Failure.self) {
            try await pipeline.run(.served()) { _ in
                events.record("call")
                return CallResult()
            }
        }
        #expect(events.all == ["a begins", "a ends: refused"])
    }

    @Test func aPipelineHasStepsIfAllOfItIsStepwise() {
        let events = Events()
        #expect(Self.pipeline([Steps(name: "a", events: events), Refusing()]).steps?.count == 2)
        #expect(Self.pipeline([Refusing(), Recording(name: "b", events: events)]).steps == nil)
    }

    @Test func anAppsClientsNeedNoOther() throws {
        let app = try App(registry: MemoryRegistry())
        #expect(app.clientMiddleware.pipeline(for: "/a/b").steps?.count == 3)
    }
}
