private import Dispatch
private import Glibc
private import ServiceKitConcurrency
private import Synchronization

/// Writes lines to a file on a thread of its own. The file stays open for the life of the process. Callers never wait
/// for the file's reader: a pipe that nobody empties, a paused terminal, a disk that is full or hangs.
///
/// Each file has one writer, so that lines keep their order. A line that does not fit into the ``OutputQueue`` is
/// dropped and counted. When the process ends by `exit`, the writer still writes the waiting lines, for one second at
/// most. A crash loses the waiting lines: those of the last few milliseconds, or more if the reader was slow.
package final class OutputWriter: Sendable {
    package static let standardError = OutputWriter(StandardFiles.descriptor(STDERR_FILENO), flushesAtExit: true)
    package static let standardOutput = OutputWriter(StandardFiles.descriptor(STDOUT_FILENO), flushesAtExit: true)

    /// The time limit for writing the waiting lines at the end of the process.
    package static let exitLimit = Duration.seconds(1)
    /// The pause before the next attempt on a file that refused lines: a full disk, for example.
    static let retryPause = Duration.milliseconds(250)
    /// The time for which lines gather after a write, so that one system call writes many.
    private static let gatheringMicroseconds: UInt32 = 1000

    private enum Phase {
        /// There is no thread yet.
        case absent
        /// The thread waits for lines.
        case idle
        case writing
        /// The file refused lines. The thread tries again later.
        case pausing
    }

    /// The action to carry out outside of the lock.
    private enum Action: Sendable { case nothing, startThread, wakeThread }

    private struct State {
        var queue: OutputQueue
        var phase = Phase.absent
        /// The flushes that wait until all lines are written or refused.
        var flushes: [DispatchSemaphore] = []
        /// The number of times that lines were taken out of the queue.
        var taken: UInt64 = 0
        /// Whether ``writeWhenRoom(_:)`` waits for room.
        var keepsText = true

        /// The action that makes the thread write the added lines.
        mutating func begin() -> Action {
            switch phase {
            case .absent:
                phase = .writing
                return .startThread
            case .idle:
                phase = .writing
                return .wakeThread
            case .writing, .pausing:
                return .nothing
            }
        }

        mutating func takeFlushes() -> [DispatchSemaphore] {
            defer { flushes = [] }
            return flushes
        }
    }

    private let descriptor: CInt
    private let flushesAtExit: Bool
    private let state: Mutex<State>
    /// Raised once each time that the thread has to go on.
    private let wakeUp = DispatchSemaphore(value: 0)
    /// Whether the file is a pipe or socket whose other end is closed.
    package let isAbandoned = Watched(false)
    /// The number of times that lines were taken, for writers that wait for room.
    private let taken = Watched<UInt64>(0)

    /// Writes to a file, which stays open. The end of the process waits for the waiting lines of the two standard files
    /// only.
    init(_ descriptor: CInt, limits: OutputQueue.Limits = .init(), flushesAtExit: Bool = false) {
        self.descriptor = descriptor
        self.flushesAtExit = flushesAtExit
        state = Mutex(State(queue: OutputQueue(limits: limits, notice: LogLine.dropped)))
    }

    // MARK: - Writing

    /// Queues a line with its end, or drops it. A line that would be dropped is not evaluated.
    package func write(_ line: @autoclosure () -> String) {
        // Without a thread the line is queued, since the next line tries again to start the thread.
        if state.withLock({ $0.phase != .absent && $0.queue.dropIfFull() }) { return }
        add(line()) { $0.append($1) }
    }

    /// Queues the last line of the process, after the waiting lines.
    package func writeLast(_ line: String) {
        add(line) { $0.appendLast($1) }
    }

    private func add(_ line: String, _ append: (inout OutputQueue, UnsafeBufferPointer<UInt8>) -> Void) {
        var line = line
        perform(
            line.withUTF8 { bytes in
                state.withLock { state in
                    append(&state.queue, bytes)
                    return state.begin()
                }
            }
        )
    }

    /// Queues lines, and waits while there is no room for them. The lines are dropped if the task is cancelled
    /// meanwhile.
    package func writeWhenRoom(_ text: String) async {
        while let seen = offer(text) {
            guard await taken.first(where: { $0 > seen }) != nil else { return }
        }
    }

    /// Makes ``writeWhenRoom(_:)`` drop lines that do not fit, instead of waiting.
    package func stopWaiting() {
        let seen = state.withLock { state in
            state.keepsText = false
            state.taken += 1
            return state.taken
        }
        taken.update { $0 = max($0, seen) }
    }

    /// Adds lines to the queue. If there is no room, returns the number of times that lines have been taken so far.
    private func offer(_ text: String) -> UInt64? {
        var text = text
        let (seen, action): (UInt64?, Action) = text.withUTF8 { bytes in
            let lines = bytes.count { $0 == UInt8(ascii: "\n") }
            return state.withLock { state in
                if !state.queue.offer(bytes, lines: max(1, lines)) {
                    if state.keepsText { return (state.taken, .nothing) }
                    state.queue.drop(lines: max(1, lines))
                }
                return (nil, state.begin())
            }
        }
        perform(action)
        return seen
    }

    /// Waits until all lines are written, the file refuses them, or the limit is over. Blocks the thread: use it at the
    /// end of a process. Returns whether all lines are written.
    @discardableResult
    package func flush(within limit: Duration = exitLimit) -> Bool {
        let isDone = DispatchSemaphore(value: 0)
        let (isNeeded, action): (Bool, Action) = state.withLock { state in
            if state.queue.isEmpty, state.phase == .absent || state.phase == .idle { return (false, .nothing) }
            state.flushes.append(isDone)
            if state.phase == .pausing {
                state.phase = .writing
                return (true, .wakeThread)
            }
            return (true, state.begin())
        }
        guard isNeeded else { return true }
        perform(action)
        if isDone.wait(timeout: .now() + .nanoseconds(Int(limit / .nanoseconds(1)))) == .timedOut {
            state.withLock { $0.flushes.removeAll { $0 === isDone } }
            return false
        }
        return state.withLock { $0.queue.isEmpty && $0.phase != .pausing }
    }

    // MARK: - The thread

    private func perform(_ action: Action) {
        switch action {
        case .nothing: break
        case .wakeThread: wakeUp.signal()
        case .startThread: startThread()
        }
    }

    private func startThread() {
        if flushesAtExit { Self.flushingAtExit }
        // A thread of its own, since it blocks. A thread of the concurrency runtime must not block, nor one of
        // Dispatch, which the runtime depends on.
        var thread = pthread_t()
        let writer = Unmanaged.passRetained(self)
        let result = pthread_create(&thread, nil, runWriter, writer.toOpaque())
        if result == 0 { return }
        writer.release()
        // The system has no thread now. The next line tries again.
        state.withLock { $0.phase = .absent }
    }

    /// Registers, once, that the end of the process waits for the writers of the standard files.
    private static let flushingAtExit: Void = {
        _ = atexit {
            let deadline = ContinuousClock.now + OutputWriter.exitLimit
            // Both writers write at the same time, so the second loses no time while the first is awaited.
            for writer in [OutputWriter.standardError, .standardOutput] {
                writer.flush(within: max(.zero, deadline - .now))
            }
        }
    }()

    fileprivate func run() {
        // Blocks the signal that would end the process. Writing to a closed pipe is then an ordinary error.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while true {
            let (batch, isLast) = next()
            guard let batch else {
                wakeUp.wait()
                continue
            }
            write(batch)
            // The thread is the writer's own: its pause blocks no task.
            if isLast { usleep(Self.gatheringMicroseconds) }
        }
    }

    /// Takes the next batch. Wakes the tasks that wait for room, or for the end of the writing.
    private func next() -> (batch: [UInt8]?, isLast: Bool) {
        let (batch, isLast, seen, flushes) = state.withLock { state in
            let batch = state.queue.take()
            if batch == nil {
                state.phase = .idle
                return (batch, true, state.taken, state.takeFlushes())
            }
            state.taken += 1
            return (batch, state.queue.isEmpty, state.taken, [])
        }
        if batch != nil { taken.update { $0 = max($0, seen) } }
        for flush in flushes { flush.signal() }
        return (batch, isLast)
    }

    /// Writes lines, however long it takes. If the file refuses them, tries again after a pause.
    private func write(_ batch: [UInt8]) {
        var written = 0
        while written < batch.count {
            let count = retrying {
                batch[written...].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            }
            if count > 0 {
                written += count
            } else if errno == EAGAIN {
                // Another process may have set the shared file to non-blocking.
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&request, 1, -1)
            } else {
                if errno == EPIPE { isAbandoned.setIfChanged(true) }
                pause()
            }
        }
    }

    /// Waits before the next attempt on a file that has refused lines. Ends the flushes, which do not wait for this.
    private func pause() {
        let flushes = state.withLock { state in
            state.phase = .pausing
            return state.takeFlushes()
        }
        for flush in flushes { flush.signal() }
        _ = wakeUp.wait(timeout: .now() + .nanoseconds(Int(Self.retryPause / .nanoseconds(1))))
        state.withLock { $0.phase = .writing }
    }
}

/// The body of a writer's thread, for `pthread_create`.
private func runWriter(_ writer: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let writer else { return nil }
    Unmanaged<OutputWriter>.fromOpaque(writer).takeRetainedValue().run()
    return nil
}

/// The system's `write`; the method of the same name hides it.
private func systemWrite(_ file: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}
