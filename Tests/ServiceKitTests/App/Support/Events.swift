import ServiceKit
import ServiceKitConcurrency

/// What happened, in order.
final class Events: Sendable {
    private let recorded = Watched<[String]>([])

    var all: [String] { recorded.value }

    func record(_ event: String) {
        recorded.update { $0.append(event) }
    }

    func wait(for event: String) async {
        _ = await recorded.first { $0.contains(event) }
    }

    func contains(_ event: String) -> Bool {
        all.contains(event)
    }
}

/// A failure of a test's making.
struct Failure: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Holds up whoever passes until it is opened, and those who ignore cancellation even then.
struct Gate: Sendable {
    private let promise = Promise<Void>()

    func open() {
        promise.resolve(.success(()))
    }

    /// Waits; ends with the task's cancellation.
    func pass() async throws {
        try await promise.value()
    }

    /// Waits, whatever happens to the task.
    func passIgnoringCancellation() async {
        _ = await Task { try await promise.value() }.result
    }
}
