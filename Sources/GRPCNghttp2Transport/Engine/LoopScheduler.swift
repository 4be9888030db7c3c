import NIOCore
import Synchronization

/// What is to be done on one event loop for streams, and, for those who ask for it, the tasks of calls.
///
/// Readers and writers on any thread leave their streams here; the loop visits them all in one go and then lets each
/// connection concerned send, once. Whoever comes while the loop is at it does not wake it again.
///
/// As a task executor it runs tasks in that same go: a handler that answers at once costs no switch of threads, and its
/// answer leaves with the others'.
// @unchecked: what is not behind the lock is marked "event loop" and is touched only in functions that run there.
final class LoopScheduler: TaskExecutor, @unchecked Sendable {
    private struct Work {
        var streams: [HTTP2Stream] = []
        var jobs: [UnownedJob] = []
        /// Whether the loop will look by itself.
        var isScheduled = false

        var isEmpty: Bool { self.streams.isEmpty && self.jobs.isEmpty }
    }

    let loop: any EventLoop
    private let work = Mutex(Work())

    // MARK: Event loop
    /// What all connections of the loop write with.
    var writer = SocketWriter()
    private var isRunning = false
    private var streams: [HTTP2Stream] = []
    private var jobs: [UnownedJob] = []
    private var touched: [HTTP2Connection] = []
    private var deadlines = DeadlineQueue()
    /// Fires at the earliest deadline, or before it.
    private var timer: (task: Scheduled<Void>, time: NIODeadline)?
    /// Says so when tasks hold the loop up; `nil` where no tasks run.
    private var limitLog: LimitLog?

    /// How often work that came up during a visit is done in it; then sockets get their turn.
    private static let maxRounds = 16
    /// How long tasks may hold the loop up before it is reported.
    private static let maxLoopTime = TimeAmount.milliseconds(100)

    init(loop: any EventLoop, reporter: LimitReporter? = nil) {
        self.loop = loop
        self.limitLog = reporter.map(LimitLog.init)
    }

    // MARK: From any thread

    /// Has the loop look after `stream` soon.
    func markDirty(_ stream: HTTP2Stream) {
        guard !stream.isDirty.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.add { $0.streams.append(stream) }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.add { $0.jobs.append(job) }
    }

    private func add(_ change: (inout Work) -> Void) {
        let isScheduled = self.work.withLock { work in
            change(&work)
            defer { work.isScheduled = true }
            return work.isScheduled
        }
        if !isScheduled {
            self.loop.execute { self.run() }
        }
    }

    // MARK: On the event loop

    /// Says that `run` will be called soon anyway.
    func hold() {
        self.work.withLock { $0.isScheduled = true }
    }

    /// Does all there is to do, then lets `connection`, and those whose streams there was work for, send.
    func run(for connection: HTTP2Connection? = nil) {
        if let connection {
            self.touch(connection)
        }
        guard !self.isRunning else { return }
        self.isRunning = true
        var rounds = 0
        repeat {
            while rounds < Self.maxRounds, self.take() {
                rounds += 1
                self.runJobs()
                self.visitStreams()
            }
            self.finishConnections()
        } while self.isWorkLeft(rounds: rounds)
        self.isRunning = false
    }

    /// Takes the work out, in exchange for empty arrays whose memory is used from now on.
    private func take() -> Bool {
        self.work.withLock { work in
            work.isScheduled = true
            swap(&work.streams, &self.streams)
            swap(&work.jobs, &self.jobs)
        }
        return !self.streams.isEmpty || !self.jobs.isEmpty
    }

    private func runJobs() {
        guard !self.jobs.isEmpty else { return }
        let executor = self.asUnownedTaskExecutor()
        let start = NIODeadline.now()
        for job in self.jobs {
            job.runSynchronously(on: executor)
        }
        self.jobs.removeAll(keepingCapacity: true)
        let time = NIODeadline.now() - start
        if time > Self.maxLoopTime {
            self.limitLog?.report(
                .loopTime,
                peer: "none",
                "calls held up an event loop, and all others on it, for \(time.nanoseconds / 1_000_000) ms; what blocks or "
                    + "computes for long belongs on a pool of threads (handlerExecutor)"
            )
        }
    }

    private func visitStreams() {
        for stream in self.streams {
            // Before any of them is looked at, so that work added from now on puts its stream in the list again.
            _ = stream.isDirty.exchange(false, ordering: .acquiringAndReleasing)
        }
        for stream in self.streams {
            stream.connection.service(stream)
            self.touch(stream.connection)
        }
        self.streams.removeAll(keepingCapacity: true)
    }

    private func touch(_ connection: HTTP2Connection) {
        guard !connection.isTouched else { return }
        connection.isTouched = true
        self.touched.append(connection)
    }

    private func finishConnections() {
        var index = 0
        // One may touch another while it is at it.
        while index < self.touched.count {
            self.touched[index].isTouched = false
            self.touched[index].sendPending()
            index += 1
        }
        self.touched.removeAll(keepingCapacity: true)
    }

    /// Whether `run` has to go on; if there is work that it must not go on with now, the loop comes back to it.
    private func isWorkLeft(rounds: Int) -> Bool {
        let isLeft = self.work.withLock { work in
            work.isScheduled = !work.isEmpty
            return !work.isEmpty
        }
        guard isLeft, rounds >= Self.maxRounds else { return isLeft }
        self.loop.execute { self.run() }
        return false
    }
}

// MARK: - Deadlines, on the event loop

extension LoopScheduler {
    /// Does what a deadline says when its time has come, unless it is removed before.
    func add(_ deadline: LoopDeadline) {
        self.deadlines.insert(deadline)
        self.setTimer()
    }

    /// Removes a deadline, if it has not come.
    func remove(_ deadline: LoopDeadline) {
        self.deadlines.remove(deadline)
        // It would keep this alive. As long as there are others it may fire early, which is less work than to set it anew
        // for each call that ends.
        if self.deadlines.isEmpty { self.stopTimer() }
    }

    private func setTimer() {
        guard let earliest = self.deadlines.earliest else { return }
        if let timer = self.timer, timer.time <= earliest { return }
        self.stopTimer()
        self.timer = (self.loop.scheduleTask(deadline: earliest) { self.timerFired() }, earliest)
    }

    private func stopTimer() {
        self.timer?.task.cancel()
        self.timer = nil
    }

    private func timerFired() {
        self.timer = nil
        let now = NIODeadline.now()
        while let action = self.deadlines.takeDue(at: now) { action() }
        self.setTimer()
    }
}
