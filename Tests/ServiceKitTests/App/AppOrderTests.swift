import ServiceKitConcurrency
import ServiceKitTestSupport
import ServiceKitTesting
import ServiceLifecycle
import Testing

@testable import ServiceKit

/// The order of steps when nothing fails.
@Suite(.timeLimit(.minutes(1)))
struct AppOrderTests {
    @Test func startsAndStopsInOrder() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 5s}")
        test.addRecordingHooks()
        test.app.add(FakeService(events: test.events))
        let grpc = test.addServer("grpc", drainsAtOnce: false)
        let http = test.addServer("http", port: 8080, drainsAtOnce: false)

        let running = try await test.serve()
        // The App does not wait for a service to start.
        await test.events.wait(for: "service started")
        #expect(test.app.registrationState.value == .registered)
        #expect(test.registry.registrations.value.first?.instance.endpoints.map(\.port) == [9000, 8080])

        await running.requestStop()
        // The gap's own sleep and its limit: servers do not drain before it is over.
        await test.clock.waitForSleepers(2)
        #expect(test.events.all.last == "deregistered")
        #expect(test.app.registrationState.value == .deregistered)
        test.clock.advance(by: .seconds(5))
        // Both drain, although none of them has ended.
        await test.events.wait(for: "grpc drains")
        await test.events.wait(for: "http drains")
        #expect(!test.events.contains("service shut down"))
        grpc.finish()
        http.finish()
        try await running.end()

        #expect(test.events.all.first == "before-start, starting")
        #expect(
            test.events.areInOrder(
                besides: "service started",
                [
                    ["before-start, starting"],
                    ["grpc ready", "http ready"],
                    ["registered"],
                    ["after-start, starting"],
                    ["before-stop, stopping"],
                    ["deregistered"],
                    ["grpc drains", "http drains"],
                    ["grpc ended", "http ended"],
                    ["service shut down"],
                    ["service ended"],
                    ["released"],
                    ["registry ended"],
                    ["after-stop, stopping"],
                ])
        )
        #expect(test.app.health.value == .stopped)
        #expect(test.problems == [])
    }

    @Test func everyServerIsReadyBeforeTheInstanceIsRegistered() async throws {
        let test = try AppUnderTest()
        let readiness = Gate()
        test.addServer("http", readiness: readiness)
        test.addServer("grpc", port: 9001)
        let running = try test.run()
        await test.events.wait(for: "grpc ready")
        #expect(test.registry.attempts.value == 0)
        readiness.open()
        await test.serving()
        await test.stopWithoutGap(running)
        #expect(test.events.all.prefix(3) == ["grpc ready", "http ready", "registered"])
    }

    @Test func servicesEndInReverseOrder() async throws {
        let test = try AppUnderTest()
        for name in ["database", "cache"] { test.app.add(FakeService(events: test.events, name: name)) }
        let running = try await test.serve()
        await test.events.wait(for: "database started")
        await test.events.wait(for: "cache started")
        try await running.stop()
        #expect(
            test.events.all.suffix(5)
                == ["cache shut down", "cache ended", "database shut down", "database ended", "registry ended"]
        )
    }

    @Test func anAppWithoutServersRunsItsServicesAndItsHooks() async throws {
        let test = try AppUnderTest()
        test.addRecordingHooks()
        test.app.add(FakeService(events: test.events))
        let running = try await test.serve()
        await test.events.wait(for: "service started")
        try await running.stop()
        #expect(test.registry.attempts.value == 0)
        #expect(
            test.events.areInOrder([
                ["before-start, starting"],
                ["service started", "after-start, starting"],
                ["before-stop, stopping"],
                ["service shut down"],
                ["service ended"],
                ["registry ended"],
                ["after-stop, stopping"],
            ])
        )
    }

    @Test(arguments: ["registry: {registration: none}", "registry: {registration: none}\nshutdown: {lame-duck: 1h}"])
    func registrationNoneRegistersNothingAndSkipsTheLameDuckGap(yaml: String) async throws {
        let test = try AppUnderTest(yaml)
        test.addServer()
        let running = try await test.serve()
        try await running.stop()
        #expect(test.events.all == ["grpc ready", "grpc drains", "grpc ended", "registry ended"])
    }

    @Test func aServerWithoutAnAddressIsNotRegistered() async throws {
        let test = try AppUnderTest()
        test.app.add(server: FakeServer("unix", events: test.events, endpoints: []))
        let running = try await test.serve()
        try await running.stop()
        #expect(test.registry.attempts.value == 0)
    }

    @Test func serviceThatEndsDoesNotStopTheApp() async throws {
        let test = try AppUnderTest()
        test.addServer()
        let done = FakeService(events: test.events, name: "migration")
        test.app.add(done)
        test.app.add(FakeService(events: test.events))
        let running = try await test.serve()
        await test.events.wait(for: "service started")
        done.end.resolve(.success(()))
        await test.events.wait(for: "migration ended")
        #expect(test.app.health.value == .serving)
        await test.stopWithoutGap(running)
        #expect(test.problems == [])
    }

    @Test func followersOfHealthSeeTheEnd() async throws {
        let test = try AppUnderTest()
        let running = try await test.serve()
        async let seen = test.app.health.values.reduce(into: []) { $0.append($1) }
        await running.requestStop()
        #expect(await seen.last == .stopped)
        for await state in test.app.registrationState.values { #expect(state == nil) }
        try await running.end()
    }

    @Test func appIsAService() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 0s}")
        test.addServer()
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: test.app, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: test.log.logger()
            )
        )
        async let end: Void = group.run()
        await test.serving()
        await group.triggerGracefulShutdown()
        try await end
        #expect(test.events.all.last == "registry ended")
    }

    @Test func appRunsOnce() async throws {
        let test = try AppUnderTest()
        let running = try await test.serve()
        try await running.stop()
        let error = await #expect(throws: AppError.self) { try await test.app.run() }
        #expect(error?.message == "the App user has been run before; it runs once, make another")
    }

    @Test func additionToARunningAppIsRefusedInTheLog() async throws {
        let test = try AppUnderTest()
        let running = try await test.serve()
        test.app.add(FakeService(events: test.events))
        test.app.beforeStop { test.events.record("late") }
        try await running.stop()
        #expect(!test.events.contains("late") && !test.events.contains("service started"))
        let message = "error: ignored: it was added when the App ran already; add it before"
        #expect(test.problems == ["\(message) (FakeService) ", "\(message) (before-stop hook) "])
    }
}

extension AppUnderTest {
    /// Stops an App that is registered and has the default gap.
    func stopWithoutGap(_ running: RunningApp) async {
        await running.requestStop()
        await events.wait(for: "deregistered")
        await pass(.seconds(1), whenSleeping: 2)
        #expect(await running.failure() == nil)
    }
}

extension Events {
    /// Whether the events are those of the groups, each group's in any order.
    ///
    /// - Parameter other: An event that may come at any time.
    func areInOrder(besides other: String? = nil, _ groups: [[String]]) -> Bool {
        let events = all.filter { $0 != other }
        var rest = events[...]
        for group in groups {
            guard rest.prefix(group.count).sorted() == group.sorted() else { return false }
            rest = rest.dropFirst(group.count)
        }
        return rest.isEmpty
    }
}
