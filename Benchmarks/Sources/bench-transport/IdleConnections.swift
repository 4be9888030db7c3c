import BenchmarkHarness

import Glibc

/// Connections to a server that have made one call and are idle since.
///
/// They are plain sockets, so that a thousand of them are no load on the machine.
struct IdleConnections: ~Copyable {
    private var sockets: [Int32] = []

    /// Raises the number of files that this process and its children may have open to the system's limit.
    static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Opens connections to a port on 127.0.0.1, and makes one call on each.
    ///
    /// - Throws: ``MeasurementError`` if a connection cannot be opened, or its call is not answered with its message.
    mutating func open(_ count: Int, port: Int, path: String, message: [UInt8]) throws {
        let call = HTTP2Frames.call(path: path, message: message)
        for number in 1...count {
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard socket >= 0 else { throw Self.failure("open socket \(number)") }
            self.sockets.append(socket)
            // Nothing here waits longer than this for the server.
            var limit = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            try Self.attach(socket, to: port)
            guard send(socket, call, call.count, Int32(MSG_NOSIGNAL)) == call.count else {
                throw Self.failure("call on connection \(number)")
            }
            let answered = try Self.receiveAnswer(socket)
            guard answered == 5 + message.count else {
                throw MeasurementError(description: "connection \(number) got an answer of \(answered) bytes")
            }
        }
    }

    deinit {
        for socket in self.sockets { close(socket) }
    }

    private static func attach(_ socket: Int32, to port: Int) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Self.failure("connect to port \(port)") }
    }

    /// Reads until the trailers of the call have come.
    ///
    /// - Returns: The number of bytes of data before them.
    private static func receiveAnswer(_ socket: Int32) throws -> Int {
        var received: ArraySlice<UInt8> = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        var dataBytes = 0
        while true {
            while let header = HTTP2Frames.firstHeader(received), received.count >= 9 + header.length {
                received = received.dropFirst(9 + header.length)
                if header.type == HTTP2Frames.data { dataBytes += header.length }
                if header.type == HTTP2Frames.headers, header.flags & HTTP2Frames.endStream != 0 { return dataBytes }
            }
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { throw Self.failure("receive an answer") }
            received += buffer.prefix(count)
        }
    }

    private static func failure(_ what: String) -> MeasurementError {
        MeasurementError(description: "cannot \(what): \(String(cString: strerror(errno)))")
    }
}
