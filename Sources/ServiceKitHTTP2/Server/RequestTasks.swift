import Synchronization

/// The tasks that run the requests of one connection of a server.
///
/// The tasks are unstructured. The event loop opens requests, and it is no task; a task that starts requests as its
/// children would cost every request another change of threads. The connection owns the tasks instead: `cancel` cancels
/// them all, and the server counts the connection as gone only when each has returned.
final class RequestTasks: Sendable {
    private struct State {
        var tasks = TaskTable()
        var isClosed = false
        var isCancelled = false

        var isFinished: Bool { isClosed && tasks.count == 0 }
    }

    /// Tasks by the numbers of their requests. One alone, which is all that HTTP/1.1 has, takes no dictionary.
    private struct TaskTable {
        private var first: (id: Int32, task: Task<Void, Never>)?
        private var others: [Int32: Task<Void, Never>] = [:]

        var count: Int { others.count + (first == nil ? 0 : 1) }

        var all: [Task<Void, Never>] { Array(others.values) + (first.map { [$0.task] } ?? []) }

        subscript(id: Int32) -> Task<Void, Never>? {
            if let first, first.id == id { first.task } else { others[id] }
        }

        mutating func add(_ task: Task<Void, Never>, for id: Int32) {
            if first == nil { first = (id, task) } else { others[id] = task }
        }

        mutating func remove(_ id: Int32) {
            if let first, first.id == id { self.first = nil } else { others[id] = nil }
        }
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
            for request in requests { start(request, &state) }
        }
    }

    func start(_ request: any RequestTask) {
        state.withLock { start(request, &$0) }
    }

    private func start(_ request: any RequestTask, _ state: inout State) {
        let task = request.start(on: executor)
        state.tasks.add(task, for: request.id)
        if state.isCancelled { task.cancel() }
    }

    /// Cancels all tasks.
    func cancel() {
        let tasks = state.withLock { state in
            state.isCancelled = true
            return state.tasks.all
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
        update { $0.tasks.remove(id) }
    }

    private func update(_ change: (inout State) -> Void) {
        let isFinished = state.withLock { state in
            change(&state)
            return state.isFinished
        }
        if isFinished { onFinish() }
    }
}
