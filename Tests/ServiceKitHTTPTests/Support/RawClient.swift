import Foundation
import Glibc
import ServiceKitTestSupport
import Synchronization

/// A client that sends bytes as they are, over one connection of TCP.
///
/// Its calls block; each runs on a thread of its own. None waits longer than ``timeLimit``.
final class RawClient: Sendable {
    /// A response of HTTP/1.1.
    struct Response: Sendable {
        var status: Int
        /// The values by name in lower case.
        var fields: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct Failure: Error {
        let reason: String
        var isTimeout = false
    }

    private static let timeLimit = 30
    private let socket: RawSocket
    /// What has come and was not read. One call at a time reads.
    private let unread = Mutex<ArraySlice<UInt8>>([])

    init(port: Int) throws {
        socket = try RawSocket.connect(to: port)
        var limit = timeval(tv_sec: Self.timeLimit, tv_usec: 0)
        setsockopt(socket.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        socket.close()
    }

    func send(_ text: String) async { await send(Array(text.utf8)) }

    /// Sends bytes, as far as the server takes them.
    func send(_ bytes: [UInt8]) async {
        await onThread { _ = self.socket.write(bytes) }
    }

    /// Sends a byte again and again, until the server closes the connection.
    func drip(_ byte: String) async {
        while await onThread({ self.socket.write(Array(byte.utf8)) }) {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Tells the server that nothing more comes.
    func leave() { socket.shutDown() }

    /// Reads the next response.
    ///
    /// - Parameter hasBody: Whether it can have one: a response to HEAD has none.
    /// - Throws: ``Failure`` if the connection ends before.
    func response(hasBody: Bool = true) async throws -> Response {
        try await onThread { try self.readResponse(hasBody) }
    }

    /// Reads the next responses.
    ///
    /// - Returns: Their statuses.
    func statuses(_ count: Int) async throws -> [Int] {
        try await onThread { try (0..<count).map { _ in try self.readResponse(true).status } }
    }

    /// Reads the head of a response in chunks, and its first chunk.
    func firstChunk() async throws -> String { String(decoding: try await firstChunkBytes(), as: UTF8.self) }

    /// Reads the head of a response in chunks, and its first chunk.
    func firstChunkBytes() async throws -> [UInt8] {
        try await onThread {
            while try !self.line().isEmpty {}
            guard let count = Int(try self.line(), radix: 16) else { throw Failure(reason: "no chunk") }
            return try self.read(count)
        }
    }

    /// Reads a number of bytes.
    ///
    /// - Throws: ``Failure`` if the connection ends before.
    func bytes(_ count: Int) async throws -> [UInt8] {
        try await onThread { try self.read(count) }
    }

    /// Whether the server closes the connection without another byte.
    func isClosed() async -> Bool {
        await onThread {
            do {
                _ = try self.read(1)
                return false
            } catch {
                return (error as? Failure)?.isTimeout != true
            }
        }
    }

    /// All bytes up to the end of the connection.
    func rest() async -> [UInt8] {
        await onThread {
            var bytes: [UInt8] = []
            while let next = try? self.read(1) { bytes += next }
            return bytes
        }
    }

    /// Reads up to a text, at least a number of bytes.
    func rest(upTo end: String, containing count: Int) async throws -> Int {
        try await onThread {
            var bytes: [UInt8] = []
            while bytes.count < count || !bytes.ends(with: Array(end.utf8)) { bytes += try self.read(1) }
            return bytes.count
        }
    }

    private func readResponse(_ hasBody: Bool) throws -> Response {
        let first = try line().split(separator: " ", maxSplits: 2)
        guard first.count >= 2, let status = Int(first[1]) else { throw Failure(reason: "no status line: \(first)") }
        var fields: [String: String] = [:]
        while case let line = try line(), !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        if status == 100 { return try readResponse(hasBody) }
        var body: [UInt8] = []
        if !hasBody || status == 204 || status == 304 {
            // Nothing follows.
        } else if let length = fields["content-length"].flatMap({ Int($0) }) {
            body = try read(length)
        } else if fields["transfer-encoding"] == "chunked" {
            while let count = Int(try line(), radix: 16), count > 0 {
                body += try read(count)
                _ = try line()
            }
            _ = try line()
        }
        return Response(status: status, fields: fields, body: body)
    }

    private func line() throws -> String {
        var bytes: [UInt8] = []
        while !bytes.ends(with: [13, 10]) { bytes += try read(1) }
        return String(decoding: bytes.dropLast(2), as: UTF8.self)
    }

    private func read(_ count: Int) throws -> [UInt8] {
        while unread.withLock({ $0.count < count }) {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let received = recv(socket.descriptor, &chunk, chunk.count, 0)
            if received < 0, errno == EAGAIN {
                throw Failure(reason: "nothing came within \(Self.timeLimit) s", isTimeout: true)
            }
            guard received > 0 else { throw Failure(reason: "the connection has ended") }
            unread.withLock { $0 += chunk.prefix(received) }
        }
        return unread.withLock { unread in
            defer { unread.removeFirst(count) }
            return Array(unread.prefix(count))
        }
    }
}

extension Array where Element == UInt8 {
    fileprivate func ends(with suffix: [UInt8]) -> Bool { self.suffix(suffix.count).elementsEqual(suffix) }
}

/// Runs blocking work on a thread of its own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Swift.Result { try body() }) }.start()
    }
}

/// Runs blocking work that does not throw on a thread of its own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread { continuation.resume(returning: body()) }.start()
    }
}
