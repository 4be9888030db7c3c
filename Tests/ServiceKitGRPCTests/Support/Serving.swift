import GRPCCore
import Logging
import ServiceKit
import ServiceKitTesting
import ServiceLifecycle
import Testing

@testable import ServiceKitGRPC

/// Runs an App. When it serves, the body runs; then the App is stopped.
func serving(_ app: App, log: LogRecorder, _ body: () async throws -> Void) async throws {
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [app], logger: log.logger()))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        #expect(await app.health.first { $0 == .serving } != nil)
        do {
            try await body()
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}
