import Logging
import ServiceKitConcurrency
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import ServiceLifecycle
import Testing

@testable import ServiceKit

/// An App with a fake registry, hooks that record themselves, a clock that stands still, and a log to look at.
struct AppUnderTest {
    let events = Events()
    let log = LogRecorder()
    let clock = TestClock()
    let registry: FakeRegistry
    let app: App

    init(
        _ yaml: String = "",
        metadata: String = "{}",
        behavior: FakeRegistry.Behavior = FakeRegistry.Behavior(),
        reach: RegistryReach = .machine
    ) throws {
        registry = FakeRegistry(
            events: events, reach: reach, behavior: behavior, logger: log.logger(), clock: clock)
        app = try App(
            configuration: Configuration(yaml: "app: {name: user, metadata: \(metadata)}\n" + yaml),
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
    }

    /// Adds a hook of each kind that records itself and the App's health at that time.
    func addRecordingHooks() {
        let record: @Sendable (String) -> Void = { [events, health = app.health] name in
            events.record("\(name), \(health.value)")
        }
        app.beforeStart { record("before-start") }
        app.afterStart { record("after-start") }
        app.beforeStop { record("before-stop") }
        app.afterStop { record("after-stop") }
    }

    @discardableResult
    func addServer(
        _ name: String = "grpc",
        port: Int = 9000,
        bindFailure: (any Error)? = nil,
        readiness: Gate? = nil,
        drainsAtOnce: Bool = true,
        stuck: Gate? = nil
    ) -> FakeServer {
        let server = FakeServer(
            name,
            events: events,
            endpoints: [Endpoint(scheme: "grpc", host: "127.0.0.1", port: port)],
            bindFailure: bindFailure,
            readiness: readiness,
            drainsAtOnce: drainsAtOnce,
            stuck: stuck
        )
        app.add(server: server)
        return server
    }

    func run() throws -> RunningApp {
        try RunningApp(app, clock: clock)
    }

    /// Runs the App and waits until it serves.
    func serve() async throws -> RunningApp {
        let running = try run()
        await serving()
        return running
    }

    func serving() async {
        _ = await app.health.first { $0 == .serving }
    }

    /// Waits until this many tasks sleep on the clock, and lets the time pass.
    func pass(_ duration: Duration, whenSleeping count: Int = 1) async {
        await clock.waitForSleepers(count)
        clock.advance(by: duration)
    }

    /// Messages of failures, with their phases or parts.
    var problems: [String] {
        log.entries.filter { $0.level >= .warning }.map { entry in
            let context = entry.metadata["phase"] ?? entry.metadata["part"] ?? ""
            return
                "\(entry.level): \(entry.message) (\(context)) \(entry.metadata["error"] ?? entry.metadata["cause"] ?? "")"
        }
    }
}

/// An App that runs in a group of services.
struct RunningApp {
    private let group: ServiceGroup
    private let task: Task<Void, Never>
    private let outcome = Promise<Void>()
    private let lifecycle: Lifecycle

    init(_ app: App, clock: TestClock) throws {
        let lifecycle = try app.makeLifecycle(clock: clock)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: lifecycle, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: LogRecorder().logger()
            )
        )
        self.lifecycle = lifecycle
        self.group = group
        task = Task { [outcome] in
            do {
                try await group.run()
                outcome.resolve(.success(()))
            } catch {
                outcome.resolve(.failure(error))
            }
        }
    }

    /// Asks for a stop in order.
    func requestStop() async {
        await group.triggerGracefulShutdown()
    }

    /// Forces the stop, as a second signal does.
    func force() {
        lifecycle.force()
    }

    func cancel() {
        task.cancel()
    }

    /// Waits until the App has ended.
    func end() async throws {
        try await outcome.value()
    }

    func stop() async throws {
        await requestStop()
        try await end()
    }

    /// The error that the App ended with.
    func failure() async -> String? {
        do {
            try await end()
            return nil
        } catch {
            return "\(error)"
        }
    }
}
