import NIOCore

/// Tells objects on an event loop that their deadlines have come, with one timer for all of them. Use it on the event loop.
///
/// The timer stays set when the earliest deadline is removed, or the last one: it may fire early, or in vain. To set it anew
/// for each call would cost more than most calls do. It keeps this object alive, which is small, and nothing else.
final class DeadlineTimer {
    private let loop: any EventLoop
    // An access ends before the deadline that it takes out is told.
    @exclusivity(unchecked) private var deadlines = DeadlineQueue()
    /// Fires at the earliest deadline, or before it.
    @exclusivity(unchecked) private var timer: (task: Scheduled<Void>, time: NIODeadline)?

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Tells a deadline when its time has come, unless it is removed before.
    func add(_ deadline: LoopDeadline) {
        deadlines.insert(deadline)
        setTimer()
    }

    /// Removes a deadline, if it has not come.
    func remove(_ deadline: LoopDeadline) {
        deadlines.remove(deadline)
    }

    private func setTimer() {
        guard let earliest = deadlines.earliest else { return }
        if let timer, timer.time <= earliest { return }
        timer?.task.cancel()
        timer = (loop.assumeIsolated().scheduleTask(deadline: earliest) { self.timerFired() }, earliest)
    }

    private func timerFired() {
        timer = nil
        let now = NIODeadline.now()
        while let due = deadlines.takeDue(at: now) { due.deadlineCame() }
        setTimer()
    }
}
