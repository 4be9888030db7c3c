import Foundation
import Glibc
import ServiceKit

/// A TCP socket of 127.0.0.1 with blocking calls, each connection on a thread of its own.
struct RawSocket: Hashable, Sendable {
    let descriptor: Int32

    struct Failure: Error {
        let code: Int32
    }

    /// Takes a free port. As nothing listens on it, connections are refused, and no other socket gets it.
    static func reserve() throws -> (socket: RawSocket, port: Int) {
        let socket = RawSocket(descriptor: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let port = withAddress(port: 0) { address, length in
            bind(socket.descriptor, address, length.pointee) == 0
                && getsockname(socket.descriptor, address, length) == 0
        }
        guard socket.descriptor >= 0, let port else { throw Failure(code: errno) }
        return (socket, port)
    }

    /// Listens on a free port.
    static func listen() throws -> (socket: RawSocket, port: Int) {
        let (socket, port) = try reserve()
        guard Glibc.listen(socket.descriptor, 16) == 0 else { throw Failure(code: errno) }
        return (socket, port)
    }

    /// Connects to a port.
    static func connect(to port: Int) throws -> RawSocket {
        let socket = RawSocket(descriptor: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let isConnected = withAddress(port: port) { Glibc.connect(socket.descriptor, $0, $1.pointee) == 0 } != nil
        guard isConnected else { throw Failure(code: errno) }
        return socket
    }

    /// Waits for a connection; `nil` when the listener was shut down.
    func accept() -> RawSocket? {
        let connection = Glibc.accept(descriptor, nil, nil)
        return connection < 0 ? nil : RawSocket(descriptor: connection)
    }

    /// Reads a number of bytes; `nil` at the end of the connection.
    func read(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var chunk = [UInt8](repeating: 0, count: count - bytes.count)
            let received = recv(descriptor, &chunk, chunk.count, 0)
            if received <= 0 { return nil }
            bytes += chunk.prefix(received)
        }
        return bytes
    }

    /// Returns whether all bytes were taken.
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Ends the connection, or the listener, for a thread that waits for it.
    func shutDown() {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Closes the descriptor. The reading thread calls it once.
    func close() {
        _ = Glibc.close(descriptor)
    }

    /// The port of the address after a successful body; `nil` after a failed one.
    private static func withAddress(
        port: Int,
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Bool
    ) -> Int? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isDone = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
        return isDone ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
struct RawFrame: Sendable {
    enum Kind: UInt8, Sendable {
        case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
    }

    /// The preface of a client, before its first frame.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// `nil` for kinds that the RFC does not define.
    var kind: Kind?
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []
    /// The frame as it was read.
    private(set) var bytes: [UInt8] = []

    /// Creates a frame to send.
    init(_ kind: Kind, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        (self.kind, self.stream, self.payload) = (kind, stream, payload)
        bytes = [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), kind.rawValue, 0]
        for shift in [UInt32(24), 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: stream >> shift)) }
        bytes += payload
    }

    /// Reads a frame; `nil` at the end of the connection.
    init?(from socket: RawSocket) {
        guard let head = socket.read(9),
            let payload = socket.read(Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2]))
        else { return nil }
        kind = Kind(rawValue: head[3])
        flags = head[4]
        stream = Self.number(head[5...8])
        self.payload = payload
        bytes = head + payload
    }

    /// Whether the frame is an acknowledgement, or the last frame of a side of a stream.
    var isFlagged: Bool { flags & 1 != 0 }

    /// The values of a SETTINGS frame by their identifiers (RFC 9113, section 6.5.2).
    var settings: [UInt32: UInt32] {
        var settings: [UInt32: UInt32] = [:]
        for start in stride(from: 0, to: payload.count - 5, by: 6) {
            settings[Self.number(payload[start..<start + 2])] = Self.number(payload[start + 2..<start + 6])
        }
        return settings
    }

    static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
