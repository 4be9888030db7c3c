import GRPCCore
import Logging
import NIOCore
import Synchronization

/// One connection of a server: turns streams that a client opens into calls, and runs them.
///
/// A call's handler runs in an unstructured task, because streams are opened by the event loop, which is no task, and
/// passing them to a task that starts handlers as its children would cost every call another thread switch. The
/// connection owns these tasks instead: they are at most `maxHandlers`, `cancel` cancels them all, and the server does
/// not count the connection as gone before each has returned.
// @unchecked: `starting` is touched only by the delegate's methods, on the event loop of the connection.
final class ServerConnection: HTTP2ConnectionDelegate, @unchecked Sendable {
    private struct State {
        var tasks: [Int32: Task<Void, Never>] = [:]
        var isClosed = false
        var isCancelled = false

        var isFinished: Bool { self.isClosed && self.tasks.isEmpty }
    }

    private let service: ServerService
    /// What runs the handlers; `nil` for the global pool.
    private let executor: LoopScheduler?
    private let maxHandlers: Int
    private let onFinish: @Sendable (ServerConnection) -> Void
    private let state = Mutex(State())
    private var starting: [ServerCall] = []

    /// Creates the calls of a connection.
    ///
    /// - Parameters:
    ///   - service: What handles them.
    ///   - scheduler: That of the connection's event loop.
    ///   - onFinish: Called once, when the connection is closed and the last of its handlers has returned.
    init(
        service: ServerService,
        scheduler: LoopScheduler,
        onFinish: @escaping @Sendable (ServerConnection) -> Void
    ) {
        self.service = service
        // The handler of a call returns a little later than the call ends, and much later if the client resets the call
        // and the handler does not heed it. For a client that keeps to its calls this is never too few.
        self.maxHandlers = 2 * min(service.maxConcurrentCalls, Int(Int32.max))
        self.executor = service.handlerExecutor == .eventLoop ? scheduler : nil
        self.onFinish = onFinish
    }

    /// How many handlers have not returned.
    var runningHandlers: Int { self.state.withLock { $0.tasks.count } }

    /// Cancels the handlers that are running.
    func cancel() {
        let tasks = self.state.withLock { state in
            state.isCancelled = true
            return Array(state.tasks.values)
        }
        for task in tasks {
            task.cancel()
        }
    }

    /// Cancels the handler of a call, if it is running.
    func cancelHandler(of stream: HTTP2Stream) {
        self.state.withLock { $0.tasks[stream.id] }?.cancel()
    }

    // MARK: HTTP2ConnectionDelegate

    func connectionReady(_ connection: HTTP2Connection) {}

    func connection(_ connection: HTTP2Connection, isDraining reason: String) {}

    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream, headers: HeaderBlock?) {
        guard self.runningHandlers + self.starting.count < self.maxHandlers else {
            connection.limitLog.report(
                .concurrentCalls, peer: connection.remotePeer, "more handlers are running than may"
            )
            stream.reset(.refusedStream, failure: .cancelled)
            return
        }
        do throws(RequestHead.Rejection) {
            guard let headers else {
                throw stream.refusal.map { .refused($0) } ?? .metadataTooLarge(connection.config.limits)
            }
            let head = try RequestHead(headers, readableEncodings: connection.config.acceptedEncodings)
            let method = try self.service.method(path: head.path)
            self.starting.append(
                ServerCall(
                    stream: stream,
                    descriptor: method.descriptor,
                    hook: method.hook,
                    head: head,
                    responseEncoding: self.service.responseEncoding,
                    connection: self
                )
            )
        } catch {
            if let reason = error.reason {
                connection.limitLog.reportRefusal(of: "request", peer: connection.remotePeer, reason)
            }
            // A stream that was opened just now takes a header block, unless it is gone already.
            try? stream.send(head: error.response, prefix: .whole, endStream: true)
        }
    }

    /// Starts handlers only now, as then the messages that came with the requests are there, and need not be waited for.
    func connectionReadComplete(_ connection: HTTP2Connection) {
        guard !self.starting.isEmpty else { return }
        self.state.withLock { state in
            for call in self.starting {
                state.tasks[call.stream.id] = Task(executorPreference: self.executor) { [service] in
                    await call.run(service.handler)
                    self.handlerReturned(call.stream)
                }
                if state.isCancelled {
                    state.tasks[call.stream.id]?.cancel()
                }
            }
        }
        self.starting.removeAll(keepingCapacity: true)
    }

    func connection(_ connection: HTTP2Connection, closed reason: String) {
        self.starting.removeAll()
        self.service.logger.debug(
            "connection closed", metadata: ["peer": "\(connection.remotePeer)", "reason": "\(reason)"]
        )
        self.update { $0.isClosed = true }
    }

    private func handlerReturned(_ stream: HTTP2Stream) {
        self.update { $0.tasks[stream.id] = nil }
    }

    private func update(_ change: (inout State) -> Void) {
        let isFinished = self.state.withLock { state in
            change(&state)
            return state.isFinished
        }
        if isFinished {
            self.onFinish(self)
        }
    }
}
