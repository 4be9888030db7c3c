import ServiceKitTestSupport
import Foundation
import ServiceKit
import Synchronization

/// A peer that speaks just enough HTTP/2 to accept calls, and then treats them as no well-behaved server would.
final class RawServer: Sendable {
    /// The server's reaction to a call.
    enum Behavior: Sendable {
        /// Closes the connection after the request's headers.
        case closes
        /// Refuses the call after this many bytes of its messages: it was not processed.
        case refuses(afterBytes: Int)
        /// Sends GOAWAY without having seen the call, and closes the connection.
        case goesAway
    }

    private struct State {
        var connections: Set<RawSocket> = []
        var isClosed = false
    }

    let endpoint: Endpoint
    /// The number of calls so far.
    let calls = Watched(0)
    private let behavior: Behavior
    private let listener: RawSocket
    private let state = Mutex(State())

    /// Starts to listen.
    init(_ behavior: Behavior) throws {
        self.behavior = behavior
        let (socket, port) = try RawSocket.listen()
        listener = socket
        endpoint = Endpoint(scheme: "grpc", host: "127.0.0.1", port: port)
        // Blocking calls: they get threads of their own, which end with `stop`.
        Thread.detachNewThread {
            while let connection = socket.accept() { self.take(connection) }
            socket.close()
        }
    }

    /// Closes the listener and every connection.
    func stop() {
        listener.shutDown()
        // Under the lock: a socket that was closed may be somebody else's by now.
        state.withLock { state in
            state.isClosed = true
            for connection in state.connections { connection.shutDown() }
        }
    }

    private func take(_ connection: RawSocket) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.connections.insert(connection) }
            return state.isClosed
        }
        if isClosed { return connection.close() }
        Thread.detachNewThread { self.serve(connection) }
    }

    private func serve(_ connection: RawSocket) {
        defer {
            state.withLock { _ = $0.connections.remove(connection) }
            connection.close()
        }
        // The client's preface, then the server's: empty settings.
        guard connection.read(RawFrame.preface.count) != nil, connection.write(RawFrame(.settings).bytes) else {
            return
        }
        var received: [UInt32: Int] = [:]
        while let frame = RawFrame(from: connection) {
            switch frame.kind {
            case .headers:
                calls.update { $0 += 1 }
                received[frame.stream] = 0
            case .data:
                received[frame.stream, default: 0] += frame.payload.count
            default:
                continue
            }
            switch behavior {
            case .closes:
                return
            case .refuses(let bytes) where received[frame.stream, default: 0] >= bytes:
                let refusal = RawFrame(.reset, stream: frame.stream, [0, 0, 0, 7])
                guard connection.write(refusal.bytes) else { return }
            case .refuses:
                continue
            case .goesAway:
                _ = connection.write(RawFrame(.goAway, [0, 0, 0, 0, 0, 0, 0, 0]).bytes)
                return
            }
        }
    }
}
