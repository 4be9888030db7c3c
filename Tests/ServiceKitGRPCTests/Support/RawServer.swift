import Foundation
import Glibc
import ServiceKit
import Synchronization

private let streamSocket = Int32(SOCK_STREAM.rawValue)
private let noSignal = Int32(MSG_NOSIGNAL)

/// A peer that speaks just enough HTTP/2 to take calls, and then does to them what no well-behaved server would.
final class RawServer: Sendable {
    /// What it does with a call.
    enum Behavior: Sendable {
        /// Closes the connection when the request's headers have come.
        case closes
        /// Refuses the call when so many bytes of its messages have come: it was not processed.
        case refuses(afterBytes: Int)
        /// Says that it goes away and has not seen the call, and closes the connection.
        case goesAway
    }

    private struct State {
        var listener: Int32
        var connections: [Int32] = []
        var isClosed = false
    }

    let endpoint: Endpoint
    /// How many calls have come.
    let calls = Watched(0)
    private let behavior: Behavior
    private let state: Mutex<State>

    /// Starts to listen.
    init(_ behavior: Behavior) throws {
        self.behavior = behavior
        let listener = socket(AF_INET, streamSocket, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard listener >= 0, isListening else { throw SocketError(code: errno) }
        endpoint = Endpoint(scheme: "grpc", host: "127.0.0.1", port: Int(UInt16(bigEndian: address.sin_port)))
        state = Mutex(State(listener: listener))
        // Blocking calls: they get threads of their own, which end with `stop`.
        Thread.detachNewThread { self.acceptAll(listener) }
    }

    struct SocketError: Error {
        let code: Int32
    }

    /// Closes the listener and every connection.
    func stop() {
        let sockets = state.withLock { state in
            if state.isClosed { return [Int32]() }
            state.isClosed = true
            return [state.listener] + state.connections
        }
        for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    private func acceptAll(_ listener: Int32) {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 { break }
            let isClosed = state.withLock { state in
                if !state.isClosed { state.connections.append(connection) }
                return state.isClosed
            }
            if isClosed {
                close(connection)
                break
            }
            Thread.detachNewThread { self.serve(connection) }
        }
        close(listener)
    }

    private func serve(_ connection: Int32) {
        defer {
            state.withLock { $0.connections.removeAll { $0 == connection } }
            close(connection)
        }
        let input = Input(socket: connection)
        // The client's preface, and the server's: empty settings.
        guard input.read(24) != nil, sendFrame(connection, type: 4, stream: 0) else { return }
        var received: [UInt32: Int] = [:]
        while let frame = input.frame() {
            switch (frame.type, behavior) {
            case (1, _):
                calls.update { $0 += 1 }
                received[frame.stream] = 0
            case (0, _):
                received[frame.stream, default: 0] += frame.payload.count
            default:
                continue
            }
            switch behavior {
            case .closes:
                return
            case .refuses(let bytes) where received[frame.stream, default: 0] >= bytes:
                guard sendFrame(connection, type: 3, stream: frame.stream, [0, 0, 0, 7]) else { return }
            case .refuses:
                continue
            case .goesAway:
                _ = sendFrame(connection, type: 7, stream: 0, [0, 0, 0, 0, 0, 0, 0, 0])
                return
            }
        }
    }

    private func sendFrame(_ socket: Int32, type: UInt8, stream: UInt32, _ payload: [UInt8] = []) -> Bool {
        var bytes: [UInt8] = [0, 0, UInt8(payload.count), type, 0]
        for shift in [UInt32(24), 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: stream >> shift)) }
        bytes += payload
        return send(socket, bytes, bytes.count, noSignal) == bytes.count
    }

    private struct Input {
        struct Frame {
            let type: UInt8
            let stream: UInt32
            let payload: [UInt8]
        }

        let socket: Int32

        func read(_ count: Int) -> [UInt8]? {
            var bytes: [UInt8] = []
            while bytes.count < count {
                var chunk = [UInt8](repeating: 0, count: count - bytes.count)
                let received = recv(socket, &chunk, chunk.count, 0)
                if received <= 0 { return nil }
                bytes += chunk.prefix(received)
            }
            return bytes
        }

        func frame() -> Frame? {
            guard let head = read(9) else { return nil }
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let stream = head[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard let payload = read(length) else { return nil }
            return Frame(type: head[3], stream: stream, payload: payload)
        }
    }
}
