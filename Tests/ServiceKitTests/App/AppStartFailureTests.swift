import ServiceKitConcurrency
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// A start that fails: the App reports the cause and stops all parts that it has started.
@Suite(.timeLimit(.minutes(1)))
struct AppStartFailureTests {
    @Test func throwingBeforeStartHookEndsTheStart() async throws {
        let test = try AppUnderTest()
        test.addRecordingHooks()
        test.addServer()
        test.app.beforeStart { throw Failure("no disk") }
        let running = try test.run()
        #expect(await running.failure() == "before-start hook 2 of 2: no disk")
        #expect(test.events.all == ["before-start, starting", "after-stop, stopping"])
        #expect(test.app.health.value == .stopped)
    }

    @Test func unknownKeyEndsHealthAndWithRunning() async throws {
        let test = try AppUnderTest("serverr: {}")
        let error = await #expect(throws: ConfigurationError.self) {
            try await withRunning(test.app) { Issue.record("it served") }
        }
        #expect(error?.description == "inline:2:1: serverr: unknown key; did you mean \"server\"?")
        #expect(test.app.health.value == .stopped)
        #expect(await test.app.registrationState.first { $0 != nil } == nil)
    }

    @Test func secondRunThrowsOutOfWithRunning() async throws {
        let app = try App(configuration: Configuration(yaml: "app: {name: user}\nregistry: {backend: memory}"))
        try await withRunning(app) {}
        await #expect(throws: AppError.self) { try await withRunning(app) { Issue.record("it served") } }
    }

    @Test func documentedSectionsAreAcceptedUnread() async throws {
        let test = try AppUnderTest("client: {balancer: p2c}\nserver: {grpc: {listen: ':1'}}")
        let running = try await test.serve()
        try await running.stop()
    }

    @Test func hookThatThrowsCancellationErrorHasFailed() async throws {
        let test = try AppUnderTest()
        test.app.beforeStart { throw CancellationError() }
        let running = try test.run()
        #expect(await running.failure() == "before-start hook: CancellationError()")
    }

    @Test func hangingBeforeStartHookFailsAtItsLimit() async throws {
        let test = try AppUnderTest("startup: {hook-timeout: 7s}")
        let gate = Gate()
        defer { gate.open() }
        test.app.beforeStart { await gate.passIgnoringCancellation() }
        let running = try test.run()
        await test.pass(.seconds(7))
        #expect(await running.failure() == "before-start hook took longer than 7.0 seconds")
    }

    @Test func serverThatCannotBindEndsTheStart() async throws {
        let test = try AppUnderTest()
        test.addRecordingHooks()
        test.addServer("http")
        test.addServer("grpc", bindFailure: Failure("cannot listen on 127.0.0.1:9000: in use"))
        let running = try test.run()
        #expect(await running.failure() == "cannot listen on 127.0.0.1:9000: in use")
        #expect(test.registry.attempts.value == 0)
        #expect(!test.events.contains("after-start, starting"))
        #expect(test.events.contains("before-stop, stopping"))
        #expect(test.events.all.suffix(3) == ["http ended", "registry ended", "after-stop, stopping"])
    }

    @Test func serverThatEndsBeforeItIsReadyEndsTheStart() async throws {
        let test = try AppUnderTest()
        let server = test.addServer("grpc", bindFailure: CancellationError())
        let running = try test.run()
        #expect(await running.failure() == "the grpc server ended by itself")
        server.finish()
    }

    @Test func serverThatIsNotReadyInTimeEndsTheStart() async throws {
        let test = try AppUnderTest("startup: {ready-timeout: 3s}")
        test.addServer("grpc", readiness: Gate(), drainsAtOnce: true)
        let running = try test.run()
        await test.pass(.seconds(3))
        // It does not end on request, since it never served: it is cut.
        await test.events.wait(for: "grpc drains")
        await test.pass(.seconds(30))
        #expect(await running.failure() == "waiting for the grpc server to be ready took longer than 3.0 seconds")
        #expect(test.events.contains("grpc cut"))
    }

    @Test func serverThatDiesEndsTheApp() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 0s}")
        test.addRecordingHooks()
        let grpc = test.addServer("grpc")
        test.addServer("http", port: 8080)
        let running = try await test.serve()
        grpc.fail(Failure("out of descriptors"))
        #expect(await running.failure() == "out of descriptors")
        #expect(
            test.events.all.filter { $0 != "grpc drains" }.suffix(7) == [
                "before-stop, stopping", "deregistered", "http drains", "http ended", "released", "registry ended",
                "after-stop, stopping",
            ]
        )
    }

    @Test func serverThatEndsByItselfIsAFailure() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 0s}")
        let grpc = test.addServer("grpc")
        let running = try await test.serve()
        grpc.finish()
        #expect(await running.failure() == "the grpc server ended by itself")
    }

    @Test func throwingAfterStartHookEndsTheApp() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 0s}")
        test.addServer()
        test.app.add(FakeService(events: test.events))
        test.app.afterStart {
            await test.events.wait(for: "service started")
            throw Failure("cache is cold")
        }
        let running = try test.run()
        #expect(await running.failure() == "after-start hook: cache is cold")
        #expect(
            test.events.all.suffix(7) == [
                "deregistered", "grpc drains", "grpc ended", "service shut down", "service ended", "released",
                "registry ended",
            ]
        )
    }

    @Test func failingServiceEndsTheAppAfterTheServersHaveDrained() async throws {
        let test = try AppUnderTest("shutdown: {lame-duck: 0s}")
        let grpc = test.addServer(drainsAtOnce: false)
        let consumer = FakeService(events: test.events, name: "consumer")
        test.app.add(FakeService(events: test.events, name: "database"))
        test.app.add(consumer)
        let running = try await test.serve()
        await test.events.wait(for: "database started")
        consumer.end.resolve(.failure(Failure("broker is gone")))
        await test.events.wait(for: "grpc drains")
        #expect(!test.events.contains("database shut down") && !test.events.contains("database cancelled"))
        grpc.finish()
        #expect(await running.failure() == "service FakeService: broker is gone")
        #expect(test.events.contains("database ended"))
    }

    @Test func unreachableAddressEndsTheStart() async throws {
        let test = try AppUnderTest(reach: .network)
        test.addServer()
        let running = try test.run()
        let failure = try #require(await running.failure())
        #expect(failure.hasPrefix("the grpc server listens on 127.0.0.1:9000, which other hosts cannot reach"))
        #expect(test.events.all == ["grpc ready", "grpc drains", "grpc ended", "registry ended"])
    }

    @Test func twoServersOfTheSameAddressAreRefused() async throws {
        let test = try AppUnderTest()
        test.addServer("a")
        test.addServer("b")
        let running = try test.run()
        #expect(await running.failure()?.contains("lists an endpoint twice") == true)
        #expect(test.registry.attempts.value == 0)
    }
}
