import ServiceKit

/// A gate that tasks wait at until it is opened.
package struct Gate: Sendable {
    private let isOpen = Watched(false)
    private let arrivals = Watched(0)

    package init() {}

    package func open() { isOpen.set(true) }

    /// Waits until it is open.
    ///
    /// - Throws: When the task is cancelled.
    package func pass() async throws {
        arrivals.update { $0 += 1 }
        guard await isOpen.first(where: \.self) != nil else { throw CancellationError() }
    }

    /// Waits until it is open, even if the task is cancelled.
    package func passIgnoringCancellation() async {
        _ = await Task { try await pass() }.result
    }

    /// Waits until this many tasks have reached it.
    package func waitForArrivals(_ count: Int = 1) async {
        _ = await arrivals.first { $0 >= count }
    }
}
