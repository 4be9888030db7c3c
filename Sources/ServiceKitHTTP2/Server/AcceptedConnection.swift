import NIOCore
import Synchronization

/// A connection that a server has accepted.
///
/// | protocol | event | protocol | effect |
/// |---|---|---|---|
/// | undecided | `decide` | HTTP/2, HTTP/1.1 | it drains, or ends, if that was asked for |
/// | undecided | `beginGracefulShutdown` | undecided | the channel closes after ``ProtocolDetector/drainLimit`` |
/// | undecided | `cancel` | undecided | the channel closes |
/// | HTTP/2, HTTP/1.1 | `beginGracefulShutdown`, `cancel` | the same | the connection drains, or ends |
final class AcceptedConnection: Sendable {
    enum Kind {
        case undecided
        case http2(ServerConnection, HTTP2Connection)
        case http1(HTTP1Connection)

        func drain() {
            switch self {
            case .undecided: break
            case .http2(_, let http2): http2.beginGracefulShutdown()
            case .http1(let connection): connection.beginGracefulShutdown()
            }
        }

        func cancel() {
            switch self {
            case .undecided: break
            case .http2(let requests, let http2):
                requests.cancel()
                http2.close(.cancelled, reason: "the server was stopped")
            case .http1(let connection): connection.cancel()
            }
        }
    }

    private struct State {
        var kind = Kind.undecided
        var isDraining = false
        var isCancelled = false
    }

    private let channel: any Channel
    private let state = Mutex(State())

    init(_ channel: any Channel) {
        self.channel = channel
    }

    /// Whether its first bytes have told its protocol.
    private var isDecided: Bool {
        if case .undecided = state.withLock(\.kind) { false } else { true }
    }

    /// The number of its tasks that have not returned.
    var runningTasks: Int {
        switch state.withLock(\.kind) {
        case .undecided: 0
        case .http2(let requests, _): requests.runningTasks
        case .http1(let connection): connection.runningTasks
        }
    }

    /// Takes the connection proper.
    func decide(_ kind: Kind) {
        let (isDraining, isCancelled) = state.withLock { state in
            state.kind = kind
            return (state.isDraining, state.isCancelled)
        }
        if isDraining { kind.drain() }
        if isCancelled { kind.cancel() }
    }

    /// Takes no more requests, and closes when the last has ended.
    func beginGracefulShutdown() {
        let kind = state.withLock { state in
            state.isDraining = true
            return state.kind
        }
        guard case .undecided = kind else { return kind.drain() }
        // A first request may be on its way.
        channel.eventLoop.scheduleTask(in: ProtocolDetector.drainLimit) {
            if !self.isDecided { self.channel.close(promise: nil) }
        }
    }

    /// Ends the connection and its requests at once.
    func cancel() {
        let kind = state.withLock { state in
            state.isCancelled = true
            return state.kind
        }
        guard case .undecided = kind else { return kind.cancel() }
        channel.close(promise: nil)
    }
}
