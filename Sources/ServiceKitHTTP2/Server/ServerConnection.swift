import Logging
import NIOCore
import Synchronization

/// The requests of one connection of a server, each run by a task.
///
/// The tasks are unstructured. The event loop opens streams, and it is no task; a task that starts requests as its
/// children would cost every request another change of threads. The connection owns the tasks instead: there are at most
/// `maxTasks`, `cancel` cancels them all, and the server counts the connection as gone only when each has returned.
// @unchecked: `starting` is touched only by the delegate's methods, on the event loop of the connection.
package final class ServerConnection: HTTP2ConnectionDelegate, @unchecked Sendable {
    private struct State {
        var tasks: [Int32: Task<Void, Never>] = [:]
        var isClosed = false
        var isCancelled = false

        var isFinished: Bool { isClosed && tasks.isEmpty }
    }

    private let handler: any RequestHandler
    /// The executor of the tasks; `nil` for the global pool.
    private let executor: LoopScheduler?
    private let maxTasks: Int
    private let logger: Logger
    private let onFinish: @Sendable (ServerConnection) -> Void
    private let state = Mutex(State())
    // The accesses are short and call nothing that leads back here.
    @exclusivity(unchecked) private var starting: [any RequestTask] = []

    /// - Parameters:
    ///   - handler: Decides about each request.
    ///   - maxConcurrentStreams: The number of streams that the client may have open.
    ///   - executor: The executor of the tasks; `nil` for the global pool.
    ///   - logger: Gets a line at debug level when the connection closes.
    ///   - onFinish: Called once, when the connection is closed and the last of its tasks has returned.
    init(
        handler: any RequestHandler,
        maxConcurrentStreams: Int,
        executor: LoopScheduler?,
        logger: Logger,
        onFinish: @escaping @Sendable (ServerConnection) -> Void
    ) {
        self.handler = handler
        // A task returns a little later than its stream ends, and much later if the client resets the stream and the task
        // does not heed it. For a client that keeps to its streams this is never too few.
        maxTasks = 2 * min(maxConcurrentStreams, Int(Int32.max))
        self.executor = executor
        self.logger = logger
        self.onFinish = onFinish
    }

    /// The number of tasks that have not returned.
    var runningTasks: Int { state.withLock { $0.tasks.count } }

    /// Cancels all tasks.
    func cancel() {
        let tasks = state.withLock { state in
            state.isCancelled = true
            return Array(state.tasks.values)
        }
        for task in tasks {
            task.cancel()
        }
    }

    /// Cancels the task of a request, if it is running.
    package func cancelTask(of stream: HTTP2Stream) {
        state.withLock { $0.tasks[stream.id] }?.cancel()
    }

    // MARK: - HTTP2ConnectionDelegate

    func connectionReady(_ connection: HTTP2Connection) {}

    func connection(_ connection: HTTP2Connection, isDraining reason: String) {}

    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream, headers: HeaderBlock?) {
        guard runningTasks + starting.count < maxTasks else {
            connection.limitLog.report(
                .concurrentCalls, peer: connection.ends.remote, "more handlers are running than may"
            )
            stream.reset(.refusedStream, failure: .cancelled)
            return
        }
        if let request = handler.open(stream, headers: headers, on: self) {
            starting.append(request)
        }
    }

    /// Starts tasks only now: the bodies that came with the requests are there then, and no task waits for them.
    func connectionReadComplete(_ connection: HTTP2Connection) {
        guard !starting.isEmpty else { return }
        state.withLock { state in
            for request in starting {
                let id = request.stream.id
                let task = request.start(on: executor)
                state.tasks[id] = task
                if state.isCancelled { task.cancel() }
            }
        }
        starting.removeAll(keepingCapacity: true)
    }

    func connection(_ connection: HTTP2Connection, closed reason: String) {
        for request in starting { request.abandon() }
        starting.removeAll()
        logger.debug(
            "connection closed", metadata: ["peer": "\(connection.ends.remote)", "reason": "\(reason)"]
        )
        update { $0.isClosed = true }
    }

    /// Says that the task of a request has nothing left to do.
    package func returned(_ request: some RequestTask) {
        let id = request.stream.id
        update { $0.tasks[id] = nil }
    }

    private func update(_ change: (inout State) -> Void) {
        let isFinished = state.withLock { state in
            change(&state)
            return state.isFinished
        }
        if isFinished {
            onFinish(self)
        }
    }
}
