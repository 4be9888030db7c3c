private import Dispatch
private import Glibc
private import ServiceKitConcurrency
private import Synchronization

/// Writes lines to a file that is open for as long as the process runs, by a thread of its own: nobody who has something
/// to say waits for whoever reads, be it a pipe that nobody empties, a paused terminal or a disk that is full or hangs.
///
/// There is one for each file, so that lines keep their order. What does not fit into its ``OutputQueue`` is dropped and
/// counted. What waits when the process ends by `exit` is still written, for a second at most; what waits when it crashes
/// is lost, which are the lines of the last few milliseconds unless the reader was slow.
package final class OutputWriter: Sendable {
    /// The writer of standard error.
    package static let standardError = OutputWriter(StandardFiles.descriptor(STDERR_FILENO), flushesAtExit: true)
    /// The writer of standard output.
    package static let standardOutput = OutputWriter(StandardFiles.descriptor(STDOUT_FILENO), flushesAtExit: true)

    /// How long the end of the process waits for what is still to be written.
    package static let exitLimit = Duration.seconds(1)
    /// How long it takes until a file that refused lines, such as on a full disk, is tried again.
    static let retryPause = Duration.milliseconds(250)
    /// How long lines gather once one was written, so that many come with one system call.
    private static let gatheringMicroseconds: UInt32 = 1000

    private enum Phase {
        /// There is no thread yet.
        case absent
        /// The thread waits for lines.
        case idle
        case writing
        /// The file refused lines, and is tried again later.
        case pausing
    }

    /// The action to carry out outside of the lock.
    private enum Action: Sendable { case nothing, startThread, wakeThread }

    private struct State {
        var queue: OutputQueue
        var phase = Phase.absent
        /// The flushes that wait until everything is written, or is refused.
        var flushes: [DispatchSemaphore] = []
        /// How often lines were taken out of the queue.
        var taken: UInt64 = 0
        /// Whether ``writeWhenRoom(_:)`` waits.
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
    /// Raised once for each time that the thread is made to go on.
    private let wakeUp = DispatchSemaphore(value: 0)
    /// Whether the file is a pipe or socket whose other end was found to be closed.
    package let isAbandoned = Watched(false)
    /// How often lines were taken, for those who wait for room.
    private let taken = Watched<UInt64>(0)

    /// - Parameters:
    ///   - descriptor: The file, which stays open.
    ///   - limits: How much may wait.
    ///   - flushesAtExit: Whether the end of the process waits for what is still to be written. Its two standard files only.
    init(_ descriptor: CInt, limits: OutputQueue.Limits = .init(), flushesAtExit: Bool = false) {
        self.descriptor = descriptor
        self.flushesAtExit = flushesAtExit
        state = Mutex(State(queue: OutputQueue(limits: limits, notice: LogLine.dropped)))
    }

    // MARK: - Writing

    /// Has a line written, or drops it.
    ///
    /// - Parameter line: The line with its end; it is not made when it would be dropped.
    package func write(_ line: @autoclosure () -> String) {
        // Without a thread the line goes on, since the next one tries again to start it.
        if state.withLock({ $0.phase != .absent && $0.queue.dropIfFull() }) { return }
        var line = line()
        perform(
            line.withUTF8 { bytes in
                state.withLock { state in
                    state.queue.append(bytes)
                    return state.begin()
                }
            }
        )
    }

    /// Has the last line of the process written, after what waits.
    package func writeLast(_ line: String) {
        var line = line
        perform(
            line.withUTF8 { bytes in
                state.withLock { state in
                    state.queue.appendLast(bytes)
                    return state.begin()
                }
            }
        )
    }

    /// Has lines written, and waits as long as there is no room for them. They are left out when the task is cancelled
    /// while it waits.
    package func writeWhenRoom(_ text: String) async {
        while let seen = offer(text) {
            guard await taken.first(where: { $0 > seen }) != nil else { return }
        }
    }

    /// From now on ``writeWhenRoom(_:)`` does not wait: what does not fit is dropped.
    package func stopWaiting() {
        let seen = state.withLock { state in
            state.keepsText = false
            state.taken += 1
            return state.taken
        }
        taken.update { $0 = max($0, seen) }
    }

    /// Adds lines to the queue.
    ///
    /// - Returns: When there is no room, how often lines have been taken out by now.
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

    /// Waits until everything is written, the file refuses it, or a limit has come. Blocks the thread: it is for the end
    /// of a process.
    ///
    /// - Returns: Whether nothing is left to write.
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
        // A thread, since it is to be blocked: neither one of the concurrency runtime nor one of Dispatch, on which that
        // depends.
        var thread = pthread_t()
        let writer = Unmanaged.passRetained(self)
        let result = pthread_create(&thread, nil, runWriter, writer.toOpaque())
        if result == 0 { return }
        writer.release()
        // There is none to be had now: the next line tries again.
        state.withLock { $0.phase = .absent }
    }

    /// Registers, once, that the end of the process waits for the standard files' writers.
    private static let flushingAtExit: Void = {
        _ = atexit {
            let deadline = ContinuousClock.now + OutputWriter.exitLimit
            // Both write at the same time, however long the first is waited for.
            for writer in [OutputWriter.standardError, .standardOutput] {
                writer.flush(within: max(.zero, deadline - .now))
            }
        }
    }()

    fileprivate func run() {
        // Without the signal that would end the process, writing to a closed pipe is an error like others.
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
            if isLast { usleep(Self.gatheringMicroseconds) }
        }
    }

    /// Takes what is to be written next, and tells those who wait for that: of room, or of the end.
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

    /// Writes lines however long it takes: what the file refuses is tried again after a pause.
    private func write(_ batch: [UInt8]) {
        var written = 0
        while written < batch.count {
            let count = retrying {
                batch[written...].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            }
            if count > 0 {
                written += count
            } else if errno == EAGAIN {
                // Others who have the file open may have said that writing to it does not wait.
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&request, 1, -1)
            } else {
                if errno == EPIPE { isAbandoned.setIfChanged(true) }
                pause()
            }
        }
    }

    /// Waits before a file that has refused lines is tried again. Whoever waits for the end of the writing does not any
    /// more.
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

/// The system's `write`, which the method of that name hides.
private func systemWrite(_ file: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}
