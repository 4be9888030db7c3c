import ServiceKitTestSupport
import Foundation
import ServiceKit
import Synchronization

/// Stands between a client and a server, passes frames on, and keeps them: a test sees the frames on the wire.
final class FrameRelay: Sendable {
    enum Side: Sendable {
        case client, server
    }

    struct Seen: Sendable {
        /// The side that sent the frame.
        var side: Side
        var frame: RawFrame
    }

    let endpoint: Endpoint
    /// The frames that have come so far. A test's traffic is small.
    let frames = Watched<[Seen]>([])
    /// The number of connections that clients have made.
    let connections = Watched(0)
    /// The number of open ones.
    let openConnections = Watched(0)

    private let listener: RawSocket
    private let port: Int?
    private let passes: @Sendable (Seen) -> Bool
    private let sockets = Mutex<Set<RawSocket>>([])

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - server: The server; without one, connections are accepted and get no answer.
    ///   - passes: Whether a frame is passed on; by default all are.
    init(to server: Endpoint?, passes: @escaping @Sendable (Seen) -> Bool = { _ in true }) throws {
        let (socket, port) = try RawSocket.listen()
        listener = socket
        endpoint = Endpoint(scheme: "grpc", host: "127.0.0.1", port: port)
        self.port = server?.port
        self.passes = passes
        Thread.detachNewThread {
            while let connection = socket.accept() { self.serve(connection) }
            socket.close()
        }
    }

    /// Closes the listener and every connection.
    func stop() {
        listener.shutDown()
        // Under the lock: a socket that was closed may be somebody else's by now.
        sockets.withLock { for socket in $0 { socket.shutDown() } }
    }

    private func serve(_ client: RawSocket) {
        connections.update { $0 += 1 }
        openConnections.update { $0 += 1 }
        let server = port.flatMap { try? RawSocket.connect(to: $0) }
        sockets.withLock { sockets in
            sockets.insert(client)
            if let server { sockets.insert(server) }
        }
        let halves = Atomic(server == nil ? 1 : 2)
        /// The last of both directions closes the sockets: until then their numbers are taken.
        let end: @Sendable () -> Void = {
            client.shutDown()
            server?.shutDown()
            guard halves.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
            self.sockets.withLock { $0.subtract([client] + (server.map { [$0] } ?? [])) }
            client.close()
            server?.close()
            self.openConnections.update { $0 -= 1 }
        }
        Thread.detachNewThread {
            if let preface = client.read(RawFrame.preface.count), server?.write(preface) ?? true {
                self.relay(client, to: server, side: .client)
            }
            end()
        }
        guard let server else { return }
        Thread.detachNewThread {
            self.relay(server, to: client, side: .server)
            end()
        }
    }

    private func relay(_ source: RawSocket, to target: RawSocket?, side: Side) {
        while let frame = RawFrame(from: source) {
            let seen = Seen(side: side, frame: frame)
            frames.update { $0.append(seen) }
            guard let target, passes(seen) else { continue }
            guard target.write(frame.bytes) else { return }
        }
    }

    /// Waits for a frame.
    ///
    /// - Returns: `nil` when the task was cancelled.
    func first(
        _ kind: RawFrame.Kind, from side: Side, where condition: (RawFrame) -> Bool = { _ in true }
    ) async
        -> RawFrame?
    {
        func find(_ frames: [Seen]) -> RawFrame? {
            frames.first { $0.side == side && $0.frame.kind == kind && condition($0.frame) }?.frame
        }
        return await frames.first { find($0) != nil }.flatMap(find)
    }
}
