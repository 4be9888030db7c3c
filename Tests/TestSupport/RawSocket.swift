import Foundation
import Glibc

/// A TCP socket of 127.0.0.1 with blocking calls, each connection on a thread of its own.
package struct RawSocket: Hashable, Sendable {
    package let descriptor: Int32

    package struct Failure: Error {
        package let code: Int32
    }

    /// Takes a free port. As nothing listens on it, connections are refused, and no other socket gets it.
    package static func reserve() throws -> (socket: RawSocket, port: Int) {
        let socket = RawSocket(descriptor: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let port = withAddress(port: 0) { address, length in
            bind(socket.descriptor, address, length.pointee) == 0
                && getsockname(socket.descriptor, address, length) == 0
        }
        guard socket.descriptor >= 0, let port else { throw Failure(code: errno) }
        return (socket, port)
    }

    /// Listens on a free port.
    package static func listen() throws -> (socket: RawSocket, port: Int) {
        let (socket, port) = try reserve()
        try socket.beginListening()
        return (socket, port)
    }

    /// Listens on a port that was reserved.
    package func beginListening() throws {
        guard Glibc.listen(descriptor, 16) == 0 else { throw Failure(code: errno) }
    }

    /// Connects to a port.
    package static func connect(to port: Int) throws -> RawSocket {
        let socket = RawSocket(descriptor: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let isConnected = withAddress(port: port) { Glibc.connect(socket.descriptor, $0, $1.pointee) == 0 } != nil
        guard isConnected else { throw Failure(code: errno) }
        return socket
    }

    /// Waits for a connection; `nil` when the listener was shut down.
    package func accept() -> RawSocket? {
        let connection = Glibc.accept(descriptor, nil, nil)
        return connection < 0 ? nil : RawSocket(descriptor: connection)
    }

    /// Reads a number of bytes; `nil` at the end of the connection.
    package func read(_ count: Int) -> [UInt8]? {
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
    package func write(_ bytes: [UInt8]) -> Bool {
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
    package func shutDown() {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Closes the descriptor. The reading thread calls it once.
    package func close() {
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
