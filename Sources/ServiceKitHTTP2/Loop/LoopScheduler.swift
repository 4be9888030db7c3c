import NIOCore
import Synchronization

/// The work of one event loop: for streams and, on request, the tasks of calls.
///
/// Readers and writers on any thread leave their streams here; the loop visits them all in one go and then lets each
/// connection concerned send, once. Work that comes during the visit does not wake the loop again.
///
/// As a task executor it runs tasks in that same go: a handler that answers at once costs no switch of threads, and its
/// answer leaves with the others'.
// @unchecked: the properties that are not behind the lock stand under "Event loop". Only functions that run there touch
// them.
final class LoopScheduler: TaskExecutor, @unchecked Sendable {
    private struct Work {
        var streams: [HTTP2Stream] = []
        var jobs: [UnownedJob] = []
        /// Whether the loop will look by itself.
        var isScheduled = false

        var isEmpty: Bool { streams.isEmpty && jobs.isEmpty }
    }

    let loop: any EventLoop
    private let work = Mutex(Work())

    // MARK: - Event loop
    /// The writer of all connections of the loop.
    var writer = SocketWriter()
    /// For the responses of HTTP/1.1.
    var spareBuffer = SpareBuffer()
    private var isRunning = false
    private var streams: [HTTP2Stream] = []
    private var jobs: [UnownedJob] = []
    private var touched: [HTTP2Connection] = []
    /// The deadlines of the loop's streams.
    let deadlines: DeadlineTimer
    /// Says so when tasks hold the loop up; `nil` where no tasks run.
    private var limitLog: LimitLog?

    /// How often work that came up during a visit is done in it; then sockets get their turn.
    private static let maxRounds = 16
    /// How long tasks may hold the loop up before it is reported.
    private static let maxLoopTime = TimeAmount.milliseconds(100)

    init(loop: any EventLoop, reporter: LimitReporter? = nil) {
        self.loop = loop
        deadlines = DeadlineTimer(loop: loop)
        limitLog = reporter.map(LimitLog.init)
    }

    // MARK: - From any thread

    /// Has the loop look after `stream` soon.
    func markDirty(_ stream: HTTP2Stream) {
        guard !stream.isDirty.exchange(true, ordering: .acquiringAndReleasing) else { return }
        add { $0.streams.append(stream) }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        add { $0.jobs.append(job) }
    }

    private func add(_ change: (inout Work) -> Void) {
        let isScheduled = work.withLock { work in
            change(&work)
            defer { work.isScheduled = true }
            return work.isScheduled
        }
        if !isScheduled {
            loop.execute { self.run() }
        }
    }

    // MARK: - On the event loop

    /// Says that `run` will be called soon anyway.
    func hold() {
        work.withLock { $0.isScheduled = true }
    }

    /// Does all work, then lets `connection`, and the connections of streams with work, send.
    func run(for connection: HTTP2Connection? = nil) {
        if let connection {
            touch(connection)
        }
        guard !isRunning else { return }
        isRunning = true
        var rounds = 0
        repeat {
            while rounds < Self.maxRounds, take() {
                rounds += 1
                runJobs()
                visitStreams()
            }
            finishConnections()
        } while isWorkLeft(rounds: rounds)
        isRunning = false
    }

    /// Takes the work out, in exchange for empty arrays whose memory is used from now on.
    private func take() -> Bool {
        work.withLock { work in
            work.isScheduled = true
            swap(&work.streams, &streams)
            swap(&work.jobs, &jobs)
        }
        return !streams.isEmpty || !jobs.isEmpty
    }

    private func runJobs() {
        guard !jobs.isEmpty else { return }
        let executor = asUnownedTaskExecutor()
        let start = NIODeadline.now()
        for job in jobs {
            job.runSynchronously(on: executor)
        }
        jobs.removeAll(keepingCapacity: true)
        let time = NIODeadline.now() - start
        if time > Self.maxLoopTime {
            limitLog?.report(
                .loopTime,
                peer: "none",
                "calls held up an event loop, and all others on it, for \(time.nanoseconds / 1_000_000) ms; what blocks or "
                    + "computes for long belongs on a pool of threads (handlerExecutor)"
            )
        }
    }

    private func visitStreams() {
        for stream in streams {
            // Before any of them is looked at, so that work added from now on puts its stream in the list again.
            _ = stream.isDirty.exchange(false, ordering: .acquiringAndReleasing)
        }
        for stream in streams {
            stream.connection.service(stream)
            touch(stream.connection)
        }
        streams.removeAll(keepingCapacity: true)
    }

    private func touch(_ connection: HTTP2Connection) {
        guard !connection.isTouched else { return }
        connection.isTouched = true
        touched.append(connection)
    }

    private func finishConnections() {
        var index = 0
        // One may touch another while it is at it.
        while index < touched.count {
            touched[index].isTouched = false
            touched[index].sendPending()
            index += 1
        }
        touched.removeAll(keepingCapacity: true)
    }

    /// Whether `run` has to go on; if there is work that it must not go on with now, the loop comes back to it.
    private func isWorkLeft(rounds: Int) -> Bool {
        let isLeft = work.withLock { work in
            work.isScheduled = !work.isEmpty
            return !work.isEmpty
        }
        guard isLeft, rounds >= Self.maxRounds else { return isLeft }
        loop.execute { self.run() }
        return false
    }
}
