private import Logging
public import ServiceKit
private import ServiceLifecycle

/// Runs an App, calls a body when the App serves, and then stops the App in order.
///
/// - Parameters:
///   - app: The App. It must not have run before.
///   - isolation: The actor that the body runs on. Default: the caller's.
///   - body: The test.
/// - Returns: The body's result.
/// - Throws: Any error of the body; the cause if the App cannot start or stop.
public func withRunning<Result>(
    _ app: App,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Result
) async throws -> Result {
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [app], logger: app.logger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        guard await app.health.first(where: { $0 != .starting }) == .serving else {
            // The App ended before it served. Throws its cause.
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
