import Synchronization

/// The tasks that run the requests of one connection of a server.
///
/// The tasks are unstructured. The event loop opens requests, and it is no task; a task that starts requests as its
/// children would cost every request another change of threads. The connection owns the tasks instead: `cancel` cancels
/// them all, and the server counts the connection as gone only when each has returned.
final class RequestTasks: Sendable {
    private struct State {
        var tasks: [Int32: Task<Void, Never>] = [:]
        var isClosed = false
        var isCancelled = false

        var isFinished: Bool { isClosed && tasks.isEmpty }
    }

    private let executor: (any TaskExecutor)?
    private let onFinish: @Sendable () -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - executor: The executor of the tasks; `nil` for the global pool.
    ///   - onFinish: Called once, when the connection is closed and the last of its tasks has returned.
    init(executor: (any TaskExecutor)?, onFinish: @escaping @Sendable () -> Void) {
        self.executor = executor
        self.onFinish = onFinish
    }

    /// The number of tasks that have not returned.
    var count: Int { state.withLock { $0.tasks.count } }

    func start(_ requests: [any RequestTask]) {
        state.withLock { state in
            for request in requests {
                let task = request.start(on: executor)
                state.tasks[request.id] = task
                if state.isCancelled { task.cancel() }
            }
        }
    }

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
    func cancel(_ id: Int32) {
        state.withLock { $0.tasks[id] }?.cancel()
    }

    /// The connection has closed.
    func connectionClosed() {
        update { $0.isClosed = true }
    }

    /// The task of a request has nothing left to do.
    func returned(_ id: Int32) {
        update { $0.tasks[id] = nil }
    }

    private func update(_ change: (inout State) -> Void) {
        let isFinished = state.withLock { state in
            change(&state)
            return state.isFinished
        }
        if isFinished { onFinish() }
    }
}
