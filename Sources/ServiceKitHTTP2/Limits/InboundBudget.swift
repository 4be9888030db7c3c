import Synchronization

/// How many bytes a connection holds that were received and not read yet, on all its streams together.
///
/// Filled by the event loop, emptied by readers on any thread.
final class InboundBudget: Sendable {
    private let bytes = Atomic<Int>(0)

    /// Adds bytes, or takes some off.
    func change(_ count: Int) {
        if count != 0 {
            bytes.add(count, ordering: .relaxed)
        }
    }

    var heldBytes: Int { bytes.load(ordering: .relaxed) }
}
