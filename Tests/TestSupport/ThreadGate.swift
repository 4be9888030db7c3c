import Dispatch

/// A gate that blocks threads until it is opened, like a lookup or a disk that hangs.
package final class ThreadGate: Sendable {
    private let turnstile = DispatchSemaphore(value: 0)

    package init() {}

    package func open() { turnstile.signal() }

    /// Blocks the thread until it is open.
    package func pass() {
        turnstile.wait()
        // It wakes the next thread, too.
        turnstile.signal()
    }
}
