private import Logging
public import ServiceKit
private import ServiceLifecycle

/// Runs an App while a test uses it: the body runs when it serves, and then the App is stopped in order.
///
/// - Parameters:
///   - app: The App, which has not run yet.
///   - body: What the test does.
/// - Returns: What the body returns.
/// - Throws: What the body throws, or why the App could not start or stop.
public func withRunning<Result>(
    _ app: App,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Result
) async throws -> Result {
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [app], logger: app.logger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        guard await app.health.first(where: { $0 != .starting }) == .serving else {
            // It ended before it served: its cause is thrown here.
            try await tasks.waitForAll()
            throw CancellationError()
        }
        do {
            let result = try await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
    }
}
