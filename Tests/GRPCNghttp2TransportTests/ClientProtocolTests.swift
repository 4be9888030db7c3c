import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The client's reaction to servers that do not keep to gRPC.
@Suite(.timeLimit(.minutes(1)))
struct ClientProtocolTests {
    private enum Outcome {
        case parts([RPCResponsePart<[UInt8]>])
        case error(RPCError)

        var status: Status? {
            if case .parts(let parts) = self, case .status(let status, _)? = parts.last { status } else { nil }
        }

        var error: RPCError? {
            if case .error(let error) = self { error } else { nil }
        }
    }

    /// Makes a call that is answered by `answer`.
    private static func call(
        config: ClientTransportConfig = .defaults,
        _ answer: @escaping @Sendable (HTTP2Stream) throws -> Void
    ) async throws -> Outcome {
        let onStream = { @Sendable (stream: HTTP2Stream, _: HeaderBlock?) in
            do {
                try answer(stream)
            } catch {
                Issue.record(error)
            }
        }
        return try await RawHTTP2Server.run(onStream: onStream) { server in
            try await withClientConnection(server.address, config: config) { connection in
                do {
                    return .parts(try await connection.call("Any", [1]))
                } catch let error as RPCError {
                    return .error(error)
                }
            }
        }
    }

    @Test(arguments: [
        ("400", Status.Code.internalError), ("401", .unauthenticated), ("403", .permissionDenied),
        ("404", .unimplemented), ("429", .unavailable), ("502", .unavailable), ("503", .unavailable),
        ("504", .unavailable), ("500", .unknown), ("301", .unknown),
    ])
    func httpErrorsMapToStatusCodes(_ httpStatus: String, _ code: Status.Code) async throws {
        let outcome = try await Self.call { stream in
            let head = HeaderBlock([":status": httpStatus, "content-type": "text/html"])
            try stream.send(head: head, prefix: .none, endStream: false)
        }
        #expect(outcome.status?.code == code)
        #expect(outcome.status?.message.contains(httpStatus) == true)
    }

    @Test func grpcStatusOverridesAnHTTPError() async throws {
        let outcome = try await Self.call { stream in
            let head = HeaderBlock([":status": "503", "grpc-status": "8", "grpc-message": "slow%20down"])
            try stream.send(head: head, prefix: .none, endStream: true)
        }
        #expect(outcome.status == Status(code: .resourceExhausted, message: "slow down"))
    }

    @Test func otherContentTypeFailsTheCallAndIsNamed() async throws {
        let outcome = try await Self.call { stream in
            let head = HeaderBlock([":status": "200", "content-type": "text/html"])
            try stream.send(head: head, prefix: .none, endStream: false)
        }
        #expect(outcome.status?.code == .unknown)
        #expect(outcome.status?.message.contains("text/html") == true)
    }

    @Test func responseWithoutAStatusIsUnknown() async throws {
        let trailersOnly = try await Self.call { try $0.send(head: HeaderBlock(), prefix: .common, endStream: true) }
        #expect(trailersOnly.status?.code == .unknown)
        #expect(trailersOnly.status?.message.contains("without a status") == true)
        let ended = try await Self.call { stream in
            try stream.send(head: HeaderBlock(), prefix: .common)
            try stream.send(end: .data)
        }
        #expect(ended.status?.code == .unknown)
    }

    @Test(arguments: ["17", "-1", "x", ""])
    func unreadableStatusCodeIsUnknown(_ code: String) async throws {
        let outcome = try await Self.call { stream in
            try stream.send(head: HeaderBlock(["grpc-status": code]), prefix: .common, endStream: true)
        }
        #expect(outcome.status?.code == .unknown)
    }

    @Test func informationalResponsesAreSkipped() async throws {
        let outcome = try await Self.call { stream in
            try stream.send(
                head: HeaderBlock(["grpc-status": "0", "x": "1"]), prefix: .common, endStream: true
            )
        }
        #expect(outcome.status?.code == .ok)
        var reader = ResponseReader(peer: "x", maxMessageBytes: nil, readableEncodings: MessageEncodings())
        guard case .skip = reader.read(.headers(HeaderBlock([":status": "103"]), endStream: false)) else {
            Issue.record("a 103 is not the response")
            return
        }
    }

    @Test(arguments: [
        (HTTP2ErrorCode.noError, RPCError.Code.internalError), (.protocolError, .internalError),
        (.internalError, .internalError), (.refusedStream, .unavailable), (.cancel, .cancelled),
        (.enhanceYourCalm, .resourceExhausted), (.inadequateSecurity, .permissionDenied),
    ])
    func resetCodesMapToStatusCodes(_ http2: HTTP2ErrorCode, _ code: RPCError.Code) async throws {
        let outcome = try await Self.call { $0.reset(http2, failure: .cancelled) }
        #expect(outcome.error?.code == code)
        #expect(outcome.error?.isNotProcessed == (http2 == .refusedStream))
    }

    @Test func refusedStreamAfterHeadersCountsAsProcessed() async throws {
        let streams = Shared<HTTP2Stream?>(nil)
        try await RawHTTP2Server.run(onStream: { stream, _ in streams.update { $0 = stream } }) { server in
            try await withClientConnection(server.address) { connection in
                let stream = try connection.makeStream(descriptor: RawService.method("Any"))
                try await stream.write(.metadata([:]))
                try await eventually { streams.value != nil }
                try streams.value?.send(head: HeaderBlock(), prefix: .common)
                guard case .metadata? = try await stream.next() else {
                    Issue.record("no metadata")
                    return
                }
                streams.value?.reset(.refusedStream, failure: .cancelled)
                let error = await #expect(throws: RPCError.self) { try await stream.next() }
                #expect(error?.code == .unavailable)
                #expect(error?.isNotProcessed == false)
            }
        }
    }

    @Test func responseMetadataOverTheLimitFailsTheCall() async throws {
        var config = ClientTransportConfig.defaults
        config.limits.maxHeaderListBytes = 1000
        let outcome = try await Self.call(config: config) { stream in
            let head = HeaderBlock(["x": String(repeating: "x", count: 1000)])
            try stream.send(head: head, prefix: .common)
        }
        #expect(outcome.error?.code == .resourceExhausted)
    }

    @Test func requestMetadataOverTheServersLimitFailsTheCall() async throws {
        var limits = TransportLimits.defaults
        limits.maxHeaderListBytes = 500
        try await RawHTTP2Server.run(limits: limits, onStream: { _, _ in }) { server in
            try await withClientConnection(server.address) { connection in
                let stream = try connection.makeStream(descriptor: RawService.method("Any"))
                try await stream.write(.metadata(["x": .string(String(repeating: "x", count: 500))]))
                let error = await #expect(throws: RPCError.self) { try await stream.next() }
                #expect(error?.code == .resourceExhausted)
            }
        }
    }

    @Test func messageBeforeMetadataIsAnInternalError() {
        var reader = ResponseReader(peer: "x", maxMessageBytes: nil, readableEncodings: MessageEncodings())
        guard case .failed(let error) = reader.read(.body(BodyPiece(message: [1]))) else {
            Issue.record("a response begins with headers")
            return
        }
        #expect(error.code == .internalError)
    }
}
