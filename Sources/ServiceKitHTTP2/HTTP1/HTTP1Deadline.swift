import NIOCore

/// The time limit of a connection of HTTP/1.1. Use it on the event loop.
///
/// To put the limit off costs almost nothing: the timer keeps the earlier time, and looks at the limit when that comes.
final class HTTP1Deadline: LoopDeadline {
    /// By how much a deadline is told late where the event loop was held up.
    private static let holdUp = TimeAmount.milliseconds(50)

    private let timer: DeadlineTimer
    private var limit: NIODeadline?
    private var isInTimer = false
    /// Whether the limit was put off as the event loop was held up: that is done once.
    private var wasHeldUp = false
    /// Called when the time is up; `nil` when the connection has closed.
    private var timeIsUp: (() -> Void)?

    init(timer: DeadlineTimer) {
        self.timer = timer
    }

    /// Has `timeIsUp` called when a limit has passed, until ``end()``.
    func begin(_ timeIsUp: @escaping () -> Void) {
        self.timeIsUp = timeIsUp
    }

    /// Sets the limit anew, from now on.
    ///
    /// - Parameter time: The time; `nil` for none.
    func set(in time: TimeAmount?) {
        guard let time, timeIsUp != nil else {
            limit = nil
            return
        }
        let next = NIODeadline.now() + time
        limit = next
        wasHeldUp = false
        if !isInTimer || next < self.time { put(next) }
    }

    /// The connection has closed.
    func end() {
        timer.remove(self)
        isInTimer = false
        limit = nil
        timeIsUp = nil
    }

    private func put(_ time: NIODeadline) {
        timer.remove(self)
        self.time = time
        timer.add(self)
        isInTimer = true
    }

    override func deadlineCame() {
        isInTimer = false
        guard let limit else { return }
        let now = NIODeadline.now()
        guard limit <= now else { return put(limit) }
        // A loop that was held up first takes the bytes that have come meanwhile: they may be a request.
        if now - limit > Self.holdUp, !wasHeldUp {
            wasHeldUp = true
            self.limit = now + Self.holdUp
            return put(now + Self.holdUp)
        }
        timeIsUp?()
    }
}
