import Logging
import NIOCore

/// The requests of one HTTP/2 connection of a server, each run by a task. There are at most `maxTasks`.
// @unchecked: `starting` is touched only by the delegate's methods, on the event loop of the connection.
package final class ServerConnection: HTTP2ConnectionDelegate, @unchecked Sendable {
    private let handler: any RequestHandler
    private let maxTasks: Int
    private let logger: Logger
    private let tasks: RequestTasks
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
        executor: (any TaskExecutor)?,
        logger: Logger,
        onFinish: @escaping @Sendable () -> Void
    ) {
        self.handler = handler
        // A task returns a little later than its stream ends, and much later if the client resets the stream and the task
        // does not heed it. For a client that keeps to its streams this is never too few.
        maxTasks = 2 * min(maxConcurrentStreams, Int(Int32.max))
        self.logger = logger
        tasks = RequestTasks(executor: executor, onFinish: onFinish)
    }

    /// The number of tasks that have not returned.
    var runningTasks: Int { tasks.count }

    /// Cancels all tasks.
    func cancel() {
        tasks.cancel()
    }

    /// Cancels the task of a request, if it is running.
    package func cancelTask(of id: Int32) {
        tasks.cancel(id)
    }

    /// Says that the task of a request has nothing left to do.
    package func returned(_ request: some RequestTask) {
        tasks.returned(request.id)
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
        tasks.start(starting)
        starting.removeAll(keepingCapacity: true)
    }

    func connection(_ connection: HTTP2Connection, closed reason: String) {
        for request in starting { request.abandon() }
        starting.removeAll()
        logger.debug(
            "connection closed", metadata: ["peer": "\(connection.ends.remote)", "reason": "\(reason)"]
        )
        tasks.connectionClosed()
    }
}
