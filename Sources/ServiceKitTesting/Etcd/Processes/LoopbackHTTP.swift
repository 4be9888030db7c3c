import Foundation

/// A minimal HTTP client, which asks processes on this machine for their health.
enum LoopbackHTTP {
    struct Response {
        var status: Int
        var body: String
    }

    /// The time limit of connecting, of writing and of each read, in seconds. etcd answers for its health within one.
    private static let limit = 3
    private static let maximumSize = 4 << 20

    /// Gets a resource; `nil` when no process listens, or its answer is not HTTP.
    static func get(_ path: String, port: UInt16) async -> Response? {
        await withCheckedContinuation { continuation in
            // The calls block, and the concurrency runtime has few threads.
            Thread.detachNewThread {
                continuation.resume(returning: try? response(to: path, port: port))
            }
        }
    }

    private static func response(to path: String, port: UInt16) throws -> Response? {
        let socket = try LoopbackSocket()
        try socket.connect(port: port, limit: limit)
        // Version 1.0: the end of the connection ends the response.
        try socket.write("GET \(path) HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        var bytes: [UInt8] = []
        while bytes.count < maximumSize {
            let chunk = try socket.read(upTo: 65_536)
            if chunk.isEmpty { return parse(bytes) }
            bytes += chunk
        }
        return nil
    }

    private static func parse(_ bytes: [UInt8]) -> Response? {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n\r\n", maxSplits: 1)
        let statusLine = parts.first?.prefix { !$0.isNewline }.split(separator: " ")
        guard let statusLine, statusLine.count >= 2, let status = Int(statusLine[1]) else { return nil }
        return Response(status: status, body: parts.count > 1 ? String(parts[1]) : "")
    }
}
