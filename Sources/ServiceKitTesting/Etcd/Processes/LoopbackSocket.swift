import Foundation

/// A TCP socket for 127.0.0.1. It closes with its last reference, and other programs do not inherit it.
final class LoopbackSocket: Sendable {
    private let descriptor: CInt

    init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("open a socket") }
    }

    deinit { close(descriptor) }

    /// Binds to a free port, and returns its number. Other sockets with the same option may listen on the port too.
    func bindToFreePort() throws -> UInt16 {
        set(SO_REUSEADDR, CInt(1))
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = Self.withPointer(to: &address) { pointer in
            bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
        guard result else { throw failure("take a free port of 127.0.0.1") }
        return UInt16(bigEndian: address.sin_port)
    }

    /// Connects. The limit, in seconds, is that of this call and of each later one. Throws ``EtcdServerFailure`` when
    /// no process listens.
    func connect(port: UInt16, limit: Int) throws {
        var interval = timeval()
        interval.tv_sec = limit
        set(SO_SNDTIMEO, interval)
        set(SO_RCVTIMEO, interval)
        var address = Self.address(port: port)
        let result = Self.withPointer(to: &address) { pointer in
            Foundation.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard result == 0 else { throw failure("connect to 127.0.0.1:\(port)") }
    }

    /// Writes a text. The text has to be short enough for the socket to take it at once.
    func write(_ text: String) throws {
        let flags = CInt(MSG_NOSIGNAL)
        let bytes = Array(text.utf8)
        guard send(descriptor, bytes, bytes.count, flags) == bytes.count else { throw failure("write") }
    }

    /// Reads the bytes that have come; empty at the end.
    func read(upTo count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            let received = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            guard received >= 0 else { throw failure("read") }
            initializedCount = received
        }
    }

    private func set<Value>(_ option: CInt, _ value: Value) {
        withUnsafeBytes(of: value) { bytes in
            _ = setsockopt(descriptor, SOL_SOCKET, option, bytes.baseAddress, socklen_t(bytes.count))
        }
    }

    private func failure(_ action: String) -> EtcdServerFailure {
        EtcdServerFailure("cannot \(action): \(String(cString: strerror(errno)))")
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func withPointer<Result>(
        to address: inout sockaddr_in,
        _ body: (UnsafeMutablePointer<sockaddr>) -> Result
    ) -> Result {
        // The system calls take every kind of address through a pointer to the general kind.
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }
}
