import Foundation
import Glibc
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Large bodies over HTTP, and the memory of the server's process.
@Suite(.timeLimit(.minutes(3))) struct LargeBodyTests {
    private static let piece = 1 << 20

    /// What the server answers to a body.
    private struct Answer: Sendable {
        /// The first line; empty if the connection broke before.
        var status = ""
        var isWhole = false
    }

    /// Sends a call to create a user, and reads meanwhile.
    ///
    /// - Parameters:
    ///   - megabytes: The size of the body, in MiB, beside its beginning and its end.
    ///   - beginning: The first bytes of the body.
    ///   - filling: The byte that the body is filled with.
    ///   - end: The last bytes of the body.
    ///   - isChunked: Whether the size is not told before.
    private static func create(
        _ megabytes: Int, _ beginning: String = "", _ filling: Character, _ end: String, port: Int,
        isChunked: Bool = false
    ) async throws -> Answer {
        let socket = try RawSocket.connect(to: port)
        defer { socket.close() }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let sending = Task.detached {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    let total = beginning.utf8.count + megabytes * Self.piece + end.utf8.count
                    let piece = Array(String(repeating: filling, count: Self.piece).utf8)
                    func send(_ bytes: [UInt8]) -> Bool {
                        guard isChunked, !bytes.isEmpty else { return socket.write(bytes) }
                        return socket.write(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10])
                    }
                    let length = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(total)"
                    let head =
                        "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
                        + "\(length)\r\n\r\n"
                    var isTaken = socket.write(Array(head.utf8)) && send(Array(beginning.utf8))
                    for _ in 0..<megabytes where isTaken { isTaken = send(piece) }
                    isTaken = isTaken && send(Array(end.utf8)) && (!isChunked || socket.write(Array("0\r\n\r\n".utf8)))
                    continuation.resume(returning: isTaken)
                }
            }
        }
        let status = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var line: [UInt8] = []
                while line.last != 10, let byte = socket.read(1) { line += byte }
                // The rest is read, so that the server can write it.
                while socket.read(4096) != nil {}
                continuation.resume(returning: String(decoding: line, as: UTF8.self))
            }
        }
        return Answer(status: status, isWhole: await sending.value)
    }

    /// The memory of a process in MB, as proc(5) has it.
    private static func memory(_ process: Int32, _ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
        return try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }) / 1024
    }

    private func with(_ settings: [String], _ body: @escaping @Sendable (Int, Int32) async throws -> Void) async throws
    {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1", settings: settings)
            let endpoint = try #require(fleet.instances.value["user-1"]?.endpoints.first)
            try await body(endpoint.port, server.processID)
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
        }
    }

    private func expectAlive(_ port: Int) async throws {
        let curl = try #require(RunningProgram.path(of: "curl"))
        let url = "http://127.0.0.1:\(port)/v1/users/1"
        let answer = try await RunningProgram.run(curl, ["--silent", "--max-time", "20", url])
        #expect(answer.output == #"{"id":"1","name":"Ada","email":"ada@example.com"}"#)
    }

    /// A body that is too large is refused as soon as that is known, and nothing of it stays.
    @Test func largeBodyIsRefusedInFlatMemory() async throws {
        try await with([]) { port, process in
            _ = try await Self.create(100, " ", " ", "{}", port: port)
            let before = try Self.memory(process, "VmRSS")
            for round in 0..<5 {
                async let answer = Self.create(100, " ", " ", "{}", port: port, isChunked: round % 2 == 1)
                try await expectAlive(port)
                let status = try await answer.status
                // The bytes that are on their way may break the connection before the answer is read.
                #expect(
                    ["HTTP/1.1 413 Payload Too Large\r\n", "HTTP/1.1 413 Content Too Large\r\n", ""].contains(status),
                    "\(status)")
            }
            try await expectAlive(port)
            let after = try Self.memory(process, "VmRSS")
            #expect(after < before + 40, "\(before) MB before, \(after) MB after")
            #expect(try Self.memory(process, "VmHWM") < before + 60)
        }
    }

    /// With a limit above it, a body is read as a whole, and its memory is given back.
    @Test func largeBodyIsReadAndItsMemoryGivenBack() async throws {
        // A busy machine takes its time for so much JSON.
        let settings = [
            "server.grpc.limits.max-message=128MiB", "server.timeouts.default=5m", "server.http.body-timeout=5m",
        ]
        try await with(settings) { port, process in
            let before = try Self.memory(process, "VmRSS")
            let refused = "HTTP/1.1 400 Bad Request\r\n"
            for _ in 0..<2 {
                async let answer = Self.create(12, " ", " ", #"{"name":"a"}"#, port: port, isChunked: true)
                try await expectAlive(port)
                let status = try await answer.status
                #expect(status == "HTTP/1.1 200 OK\r\n", "\(status)")
                // The handler asks for a name.
                let nameless = try await Self.create(2, #"{"email":""#, "a", #""}"#, port: port).status
                #expect(nameless == refused, "\(nameless)")
                let large = try await Self.create(100, " ", " ", #"{"name":"a"}"#, port: port).status
                #expect(large == "HTTP/1.1 200 OK\r\n", "\(large)")
            }
            try await expectAlive(port)
            let after = try Self.memory(process, "VmRSS")
            let most = try Self.memory(process, "VmHWM")
            #expect(after < before + 200, "\(before) MB before, \(after) MB after, \(most) MB at most")
            #expect(most < before + 600, "\(most) MB")
        }
    }
}
