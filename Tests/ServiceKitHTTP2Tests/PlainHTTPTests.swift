import Foundation
import Logging
import NIOPosix
import Synchronization
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP2

/// Plain HTTP/2 on the engine: header blocks, raw bodies and trailers, without gRPC.
@Suite(.timeLimit(.minutes(1)))
struct PlainHTTPTests {
    @Test func aBodyComesBackByteForByteWithTrailers() async throws {
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        try await withEngine(EchoHandler()) { client, _ in
            let answer = try await client.request("POST", "/echo", body: body)
            #expect(answer.head[":status"] == "200")
            #expect(answer.head["content-type"] == "application/octet-stream")
            #expect(answer.body == body)
            #expect(answer.trailers == ["x-bytes": "300000"])
        }
    }

    @Test func aRequestWithoutBodyIsAnsweredByHeadersAlone() async throws {
        try await withEngine(EchoHandler()) { client, _ in
            let answer = try await client.request("GET", "/empty", body: nil)
            #expect(answer.head[":status"] == "204")
            #expect(answer.body.isEmpty)
            #expect(answer.trailers.isEmpty)
        }
    }

    @Test func requestsOfOneConnectionRunBesideEachOther() async throws {
        try await withEngine(EchoHandler()) { client, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        let body = Array(repeating: UInt8(index), count: index * 100)
                        let answer = try await client.request("POST", "/echo", body: body)
                        #expect(answer.body == body)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aHeadThatHTTP2ForbidsReachesTheHandlerAsRefusal() async throws {
        try await withEngine(EchoHandler()) { client, _ in
            let answer = try await client.request("POST", "/echo", [("connection", "close")], body: nil)
            #expect(answer.head[":status"] == "400")
        }
    }

    @Test func aBodyShorterThanItsContentLengthFailsTheRequest() async throws {
        try await withEngine(EchoHandler()) { client, _ in
            await #expect(throws: StreamFailure.reset(.protocolError)) {
                try await client.request("POST", "/echo", [("content-length", "10")], body: [1, 2, 3])
            }
        }
    }

    @Test func gracefulShutdownLetsAnOpenRequestEnd() async throws {
        try await withEngine(EchoHandler()) { client, server in
            let (stream, _) = try client.makeStream(deadline: nil)
            defer { stream.reset(.cancel, failure: .cancelled) }
            try stream.send(head: .request("POST", "/echo"))
            try await stream.send(BodyPiece(bytes: [1]))
            guard case .headers? = try await stream.next() else {
                Issue.record("the request has no answer")
                return
            }
            server.beginGracefulShutdown()
            try await eventually { server.lifecycle.isListenerClosed }
            try await stream.send(BodyPiece(bytes: [2]))
            try stream.send(end: .data)
            let answer = try await Answer(rest: stream)
            #expect(answer.body == [1, 2])
        }
    }

    private static let nghttp = RunningProgram.path(of: "nghttp")

    @Test(.enabled(if: nghttp != nil, "nghttp is not installed (Debian: nghttp2-client)"))
    func nghttpGetsBodyAndTrailers() async throws {
        let directory = try TemporaryDirectory()
        try Data("hello".utf8).write(to: URL(filePath: directory.path("body")))
        try await withEngine(EchoHandler()) { _, server in
            let port = try await server.listeningAddress.port ?? 0
            let arguments = ["--verbose", "-d", directory.path("body"), "http://127.0.0.1:\(port)/echo"]
            let result = try await RunningProgram.run(try #require(Self.nghttp), arguments)
            #expect(result.exit == .exited(0), "\(result.output)\(result.errors)")
            #expect(result.output.contains("hello"), "\(result.output)")
            #expect(result.output.contains("x-bytes: 5"), "\(result.output)")
        }
    }
}

// MARK: - The server

/// Answers `/empty` at once; sends the body of any other request back as it arrives, and its size as a trailer.
private struct EchoHandler: RequestHandler {
    func open(
        _ stream: HTTP2Stream,
        headers: HeaderBlock?,
        on connection: ServerConnection
    ) -> (any RequestTask)? {
        guard let headers else {
            try? stream.send(head: HeaderBlock([":status": "400"]), endStream: true)
            return nil
        }
        guard headers.fields[":path"] != "/empty" else {
            try? stream.send(head: HeaderBlock([":status": "204"]), endStream: true)
            return nil
        }
        return Echo(stream, connection)
    }
}

private final class Echo: RequestTask {
    let stream: HTTP2Stream
    var id: Int32 { stream.id }
    private let connection: ServerConnection

    init(_ stream: HTTP2Stream, _ connection: ServerConnection) {
        self.stream = stream
        self.connection = connection
    }

    func start(on executor: (any TaskExecutor)?) -> Task<Void, Never> {
        Task(executorPreference: executor) { await self.run() }
    }

    private func run() async {
        // A write or a read fails when the stream is gone: nobody waits for an answer then.
        try? await echo()
        connection.returned(self)
    }

    private func echo() async throws {
        try stream.send(head: HeaderBlock([":status": "200", "content-type": "application/octet-stream"]))
        var count = 0
        while case .body(let piece)? = try await stream.next() {
            count += piece.bytes.count
            try await stream.send(piece)
        }
        try stream.send(end: .trailers(HeaderBlock(["x-bytes": "\(count)"])))
    }
}

// MARK: - The client

private struct Answer {
    var head: [String: String] = [:]
    var body: [UInt8] = []
    var trailers: [String: String] = [:]

    /// Reads a stream to its end.
    init(rest stream: HTTP2Stream) async throws {
        while let part = try await stream.next() {
            switch part {
            case .headers(let block, _) where head.isEmpty && block.fields[":status"] != nil: head = block.fields
            case .headers(let block, _): trailers = block.fields
            case .body(let piece): body += piece.bytes
            }
        }
    }
}

extension HTTP2Client {
    fileprivate func request(
        _ method: String,
        _ path: String,
        _ fields: [(String, String)] = [],
        body: [UInt8]?
    ) async throws -> Answer {
        let (stream, _) = try makeStream(deadline: nil)
        defer { stream.reset(.cancel, failure: .cancelled) }
        var head = HeaderBlock.request(method, path)
        for (name, value) in fields { head.append(name: name, value: value) }
        try stream.send(head: head, endStream: body == nil)
        guard let body else { return try await Answer(rest: stream) }
        async let answer = Answer(rest: stream)
        // Pieces larger than a frame.
        for start in stride(from: 0, to: body.count, by: 50_000) {
            try await stream.send(BodyPiece(bytes: Array(body[start..<min(start + 50_000, body.count)])))
        }
        try stream.send(end: .data)
        return try await answer
    }
}

extension HeaderBlock {
    fileprivate static func request(_ method: String, _ path: String) -> HeaderBlock {
        HeaderBlock([":method": method, ":scheme": "http", ":path": path, ":authority": "test"])
    }
}

/// Runs a server with this handler, and a client that is connected to it.
private func withEngine(
    _ handler: some RequestHandler,
    _ body: (HTTP2Client, HTTP2Server) async throws -> Void
) async throws {
    let logger = Logger(label: "test")
    let server = HTTP2Server(
        address: .ipv4(host: "127.0.0.1", port: 0),
        security: .plaintext,
        options: HTTP2Server.Options(),
        config: HTTP2ConnectionConfig(
            role: .server(maxConcurrentStreams: 100),
            security: .plaintext,
            limits: .defaults,
            times: ConnectionTimes(writeTimeout: .seconds(20)),
            reporter: LimitReporter(side: .server, logger: logger)
        ),
        eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
        logger: logger
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.listen(handler) }
        let client = HTTP2Client(
            address: try await server.listeningAddress,
            security: .plaintext,
            authority: "test",
            options: HTTP2Client.Options(),
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: logger,
            onStateChange: { _ in }
        )
        group.addTask { await client.run() }
        try await eventually { client.isReady }
        do {
            try await body(client, server)
        } catch {
            group.cancelAll()
            throw error
        }
        client.beginGracefulShutdown()
        server.beginGracefulShutdown()
        try await group.waitForAll()
    }
}
