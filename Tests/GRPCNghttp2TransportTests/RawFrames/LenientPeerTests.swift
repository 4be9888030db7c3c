import GRPCCore
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Peers that are less strict than HTTP/2 and gRPC, as many are. Their unambiguous messages are understood. A refusal
/// names this side and the header.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct LenientPeerTests {
    // MARK: Clients

    /// Calls `Echo` with these fields in place of, or beyond, the right ones; `nil` leaves a field out.
    ///
    /// - Returns: The last header block of the response, and the request's metadata if a handler has seen it.
    private static func call(
        _ changed: [(String, String?)],
        log: LogRecorder = LogRecorder()
    ) async throws -> (trailers: [String: String], metadata: Metadata?) {
        var fields: [(String, String)] = [
            (":method", "POST"), (":scheme", "http"), (":path", "/\(RawService.name)/Echo"), (":authority", "x"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        ]
        for (name, value) in changed {
            if let index = fields.firstIndex(where: { $0.0 == name }) {
                fields.remove(at: index)
                if let value { fields.insert((name, value), at: index) }
            } else if let value {
                fields.append((name, value))
            }
        }
        var block = HeaderBlock()
        for (name, value) in fields { block.append(name: name, value: value) }
        let seen = Shared<Metadata?>(nil)
        let echo: RawHandler = { request, context in
            seen.update { $0 = request.metadata }
            return try await RawService.echo(request, context)
        }
        let trailers = try await withSecureServer(.plaintext, ["Echo": echo], logger: log.logger()) {
            [block] _, address in
            try await RawHTTP2Client.run(address) { client in
                let stream = client.http2.makeStream(deadline: nil)
                defer { stream.reset(.cancel, failure: .cancelled) }
                try stream.send(head: block, prefix: .none)
                // Both writes fail if the server has answered already.
                try? await stream.send(message: [1])
                try? stream.send(end: .data)
                while let part = try await stream.next() {
                    if case .headers(let block, endStream: true) = part { return block.fields }
                }
                return [:]
            }
        }
        return (trailers, seen.value)
    }

    @Test(
        arguments: [
            [(":authority", "/tmp/x.sock")], [(":authority", "%2Ftmp%2Fx.sock")], [(":authority", nil), ("host", "x")],
            [(":authority", nil)], [("content-type", "application/grpc+proto")],
            [("content-type", "application/grpc; charset=utf-8")],
            [("content-type", " application/grpc ; charset=utf-8")],
            [("te", " trailers ")], [("te", "Trailers")], [("content-type", "Application/gRPC")],
            [("grpc-timeout", " 1H ")], [("grpc-encoding", " identity")],
            [("grpc-accept-encoding", "snappy, gzip")], [("x-empty", "")], [("x-bin", "AQI=, AQI")],
            [("content-length", "6")],
        ] as [[(String, String?)]])
    func unusualButClearRequestsAreServed(_ fields: [(String, String?)]) async throws {
        let (trailers, _) = try await Self.call(fields)
        #expect(trailers["grpc-status"] == "0", "\(trailers)")
    }

    @Test func whiteSpaceAndTextInMetadataAreAccepted() async throws {
        let (trailers, metadata) = try await Self.call([
            ("x-note", " padded "), ("x-tab", "\ttab\t"), ("x-text", "größe"), ("x-empty", ""), ("x-bin", " AQI= "),
        ])
        #expect(trailers["grpc-status"] == "0")
        let seen = try #require(metadata)
        #expect(Array(seen[stringValues: "x-note"]) == ["padded"])
        #expect(Array(seen[stringValues: "x-tab"]) == ["tab"])
        #expect(Array(seen[stringValues: "x-text"]) == ["größe"])
        #expect(Array(seen[stringValues: "x-empty"]) == [""])
        #expect(Array(seen[binaryValues: "x-bin"]) == [[1, 2]])
    }

    @Test(
        arguments: [
            ("x-note", "a\nb", "x-note"), ("connection", "close", "connection"), ("upgrade", "h2c", "upgrade"),
            ("te", "gzip", "te"), ("content-length", "many", "content-length"), ("x-bin", "***", "x-bin"),
            ("grpc-timeout", "soon", "grpc-timeout"), ("te", nil, "te"),
        ] as [(String, String?, String)])
    func refusedRequestNamesTheHeader(_ name: String, _ value: String?, _ named: String) async throws {
        let log = LogRecorder()
        let (trailers, metadata) = try await Self.call([(name, value)], log: log)
        #expect(metadata == nil, "no handler sees it")
        #expect(["3", "13"].contains(trailers["grpc-status"]), "\(trailers)")
        let message = (trailers["grpc-message"] ?? "").withBytes(StatusMessage.decode)
        #expect(message.contains("\"\(named)"), "\(message)")
        try await eventually { !log.warnings.isEmpty }
        #expect(log.warnings.map(\.message) == ["refused a request"])
        #expect(log.warnings.first?.metadata["cause"]?.contains("\"\(named)") == true)
        #expect(log.warnings.first?.metadata["peer"]?.hasPrefix("ipv4:127.0.0.1") == true)
    }

    @Test func longTextOfAPeerIsCutInTheLog() async throws {
        let log = LogRecorder()
        _ = try await Self.call([("grpc-encoding", String(repeating: "9x", count: 2000))], log: log)
        try await eventually { !log.warnings.isEmpty }
        #expect((log.warnings.first?.metadata["cause"] ?? "").count < 250)
    }

    /// A peer must not fill the log.
    @Test func refusedRequestsOfAConnectionAreLoggedOnce() async throws {
        let log = LogRecorder()
        try await withSecureServer(.plaintext, logger: log.logger()) { _, address in
            let requests = [UInt8(1), 3, 5].flatMap { Frames.request(stream: $0, method: "Echo", [("x-note", "a\nb")]) }
            let bytes = try await Frames.exchange(address, Frames.preface + Frames.settings + requests) { received in
                Frames.summary(received).count { $0.type == 3 } == 3
            }
            // Each is answered, then reset.
            #expect(Frames.summary(bytes).filter { $0.type == 1 }.map(\.stream) == [1, 3, 5])
        }
        #expect(log.warnings.count == 1)
        #expect(log.lines.count { $0.message == "refused a request" } == 3)
    }

    // MARK: Servers

    /// The error of a call that a server answers with `bytes`.
    private static func failure(
        log: LogRecorder = LogRecorder(),
        _ bytes: @escaping @Sendable (UInt8) -> [UInt8]
    ) async throws -> RPCError {
        try await ScriptedServer.run(answer: bytes, closing: false) { server in
            try await withSecureClient(server.address, .plaintext, logger: log.logger()) { client in
                try #require(await client.failure("Any"))
            }
        }
    }

    private static let notFound: [(String, String)] = [(":status", "200"), ("content-type", "application/grpc")]

    @Test func statusWithSpacesIsRead() async throws {
        let error = try await Self.failure {
            Frames.headers(
                stream: $0,
                Self.notFound + [
                    ("grpc-status", " 5 "), ("grpc-message", "user not found: "), ("x-note", " padded "),
                    ("x-text", "größe"),
                ],
                endStream: true
            )
        }
        #expect(error.code == .notFound)
        #expect(error.message == "user not found:")
        #expect(Array(error.metadata[stringValues: "x-note"]) == ["padded"])
        #expect(Array(error.metadata[stringValues: "x-text"]) == ["größe"])
    }

    @Test(arguments: [
        ("grpc-status", "005", "user"), ("content-length", "42", "user"), ("content-length", "0", "user"),
        ("content-type", "application/grpc ; charset=utf-8", "user"), ("content-type", "text/plain", "user"),
        ("grpc-encoding", "snappy", "user"), ("grpc-message", "100% %4", "100% %4"), ("grpc-message", "größe", "größe"),
        ("x-empty", "", "user"), ("te", "trailers", "user"),
    ])
    func unusualStatusesAreRead(_ name: String, _ value: String, _ message: String) async throws {
        let error = try await Self.failure {
            let fields = [
                (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "5"),
                ("grpc-message", "user"),
            ]
            return Frames.headers(
                stream: $0, fields.filter { $0.0 != name } + [(name, value)], endStream: true
            )
        }
        #expect(error.code == .notFound, "\(error)")
        #expect(error.message == message)
    }

    /// An unknown encoding matters only to messages that are compressed with it.
    @Test func unknownEncodingDoesNotHideTheStatus() async throws {
        let error = try await Self.failure {
            Frames.responseHead(stream: $0, [("grpc-encoding", "snappy")]) + Frames.trailers(stream: $0, status: "5")
        }
        #expect(error.code == .notFound)
        let unreadable = try await Self.failure {
            Frames.responseHead(stream: $0, [("grpc-encoding", "snappy")]) + Frames.message(stream: $0, [1], flag: 1)
                + Frames.trailers(stream: $0)
        }
        #expect(unreadable.code == .internalError)
        #expect(unreadable.message.contains("\"snappy\" (header \"grpc-encoding\")"))
    }

    /// A wrong length from an intermediary does not hide the status.
    @Test func statusAfterTooFewBytesIsRead() async throws {
        let error = try await Self.failure {
            Frames.responseHead(stream: $0, [("content-length", "42")]) + Frames.trailers(stream: $0, status: "5")
        }
        #expect(error.code == .notFound)
    }

    @Test(arguments: [("x-note", "a\nb"), ("X-Upper", "y"), ("connection", "close")])
    func refusedResponseNamesTheHeader(_ name: String, _ value: String) async throws {
        for isTrailer in [true, false] {
            let log = LogRecorder()
            let error = try await Self.failure(log: log) {
                isTrailer
                    ? Frames.responseHead(stream: $0)
                        + Frames.headers(stream: $0, [("grpc-status", "5"), (name, value)], endStream: true)
                    : Frames.responseHead(stream: $0, [(name, value)])
            }
            #expect(error.code == .internalError)
            #expect(error.message.hasPrefix("this side refuses what ipv4:127.0.0.1"))
            #expect(error.message.contains("\"\(name)\""))
            #expect(log.warnings.map(\.message) == ["refused a response"])
            #expect(log.warnings.first?.metadata["cause"]?.contains("\"\(name)\"") == true)
        }
    }

    /// The error names this side when this side refuses, also for a frame.
    @Test func refusedFrameIsReportedAsThisSidesDecision() async throws {
        let error = try await Self.failure {
            // The stream's window would exceed the largest window.
            Frames.responseHead(stream: $0) + Frames.windowUpdate(stream: $0, UInt32.max >> 1)
        }
        #expect(error.code == .internalError)
        #expect(error.message.hasPrefix("this side refuses what ipv4:127.0.0.1"), "\(error.message)")
    }
}
