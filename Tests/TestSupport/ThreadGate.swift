import Dispatch

/// A gate that blocks threads until it is opened, as a look-up or a disk that hangs does.
package final class ThreadGate: Sendable {
    private let turnstile = DispatchSemaphore(value: 0)

    package init() {}

    package func open() { turnstile.signal() }

    /// Blocks the thread until it is open.
    package func pass() {
        turnstile.wait()
        // The next one, too.
        turnstile.signal()
    }
}
