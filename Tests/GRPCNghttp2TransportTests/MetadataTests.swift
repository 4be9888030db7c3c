import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct MetadataTests {
    /// Sends the request's metadata back, as initial and as trailing metadata.
    private static let reflect: RawHandler = { request, _ in
        _ = try await RawService.collect(request)
        let metadata = request.metadata
        return StreamingServerResponse(metadata: metadata) { writer in
            try await writer.write([])
            return metadata
        }
    }

    @Test func metadataTravelsBothWays() async throws {
        let metadata: Metadata = [
            "text": "a value", "text": "another", "some-bin": .binary(Array(UInt8.min...UInt8.max)),
            "empty-bin": .binary([]),
        ]
        try await withLoopback(["Reflect": Self.reflect]) { client, _ in
            let response = try await client.response("Reflect", metadata: metadata)
            let contents = try response.accepted.get()
            for key in ["text", "some-bin", "empty-bin"] {
                #expect(Array(contents.metadata[key]) == Array(metadata[key]), "initial \(key)")
                #expect(Array(contents.trailingMetadata[key]) == Array(metadata[key]), "trailing \(key)")
            }
        }
    }

    @Test func reservedHeadersAreHidden() async throws {
        let seen = Shared<[String]>([])
        let record: RawHandler = { request, context in
            seen.update { $0 = request.metadata.map(\.key).sorted() }
            return try await RawService.echo(request, context)
        }
        try await withLoopback(["Record": record]) { client, _ in
            let response = try await client.response("Record", metadata: ["mine": "1"])
            #expect(seen.value == ["mine", "user-agent"])
            #expect(response.metadata.isEmpty)
            #expect(response.trailingMetadata.isEmpty)
        }
    }

    @Test func peersHaveTheirAddresses() async throws {
        let seen = Shared<[String]>([])
        let record: RawHandler = { request, context in
            seen.update { $0 = [context.remotePeer, context.localPeer] }
            return try await RawService.echo(request, context)
        }
        try await withServer(["Record": record]) { _, address in
            try await withClient(address) { client in _ = try await client.call("Record") }
            let peers = seen.value
            #expect(peers.first?.hasPrefix("ipv4:127.0.0.1:") == true)
            #expect(peers.last == address.description)
        }
    }

    @Test(arguments: ["plain", "with % and\nnewline", "größer ☃ 漢字", "user not found: ", " both ends ", " "])
    func statusMessagesKeepTheirText(_ message: String) async throws {
        let fail: RawHandler = { _, _ in
            throw RPCError(code: .notFound, message: message, metadata: ["detail-bin": .binary([1, 2])])
        }
        try await withLoopback(["Fail": fail]) { client, _ in
            let error = await #expect(throws: RPCError.self) { try await client.call("Fail") }
            #expect(error?.code == .notFound)
            #expect(error?.message == message)
            #expect(error.map { Array($0.metadata[binaryValues: "detail-bin"]) } == [[1, 2]])
        }
    }

    @Test func errorAfterMessagesEndsTheStream() async throws {
        let fail: RawHandler = { _, _ in
            StreamingServerResponse { writer in
                try await writer.write([1])
                throw RPCError(code: .dataLoss, message: "gone")
            }
        }
        try await withLoopback(["Fail": fail]) { client, _ in
            let (count, error) = try await client.stream("Fail") { _ in
            } response: { response in
                var count = 0
                do {
                    for try await _ in response.messages { count += 1 }
                    return (count, nil as RPCError?)
                } catch {
                    return (count, error as? RPCError)
                }
            }
            #expect(count == 1)
            #expect(error?.code == .dataLoss)
        }
    }

    @Test func metadataIsSentBeforeTheFirstMessage() async throws {
        let gate = Gate()
        let late: RawHandler = { _, _ in
            StreamingServerResponse(metadata: ["early": "1"]) { writer in
                try await gate.pass()
                try await writer.write([1])
                return [:]
            }
        }
        try await withLoopback(["Late": late]) { client, _ in
            let answer = try await client.stream("Late") { _ in
            } response: { response in
                // The handler goes on only when its metadata has come here.
                #expect(Array(response.metadata[stringValues: "early"]) == ["1"])
                gate.open()
                return try await response.messages.reduce(into: []) { $0.append($1) }
            }
            #expect(answer == [[1]])
        }
    }

    @Test func metadataThatCannotBeSentFailsTheCall() async throws {
        let bad: RawHandler = { request, context in
            StreamingServerResponse(single: ServerResponse(message: [], metadata: ["key": "ü"]))
        }
        let badTrailer: RawHandler = { request, context in
            StreamingServerResponse { _ in ["key": "ü"] }
        }
        try await withLoopback(["Echo": RawService.echo, "Bad": bad, "BadTrailer": badTrailer]) { client, _ in
            for (method, metadata) in [("Echo", ["key": "ü"] as Metadata), ("Bad", [:]), ("BadTrailer", [:])] {
                let error = await #expect(throws: RPCError.self) { try await client.call(method, metadata: metadata) }
                #expect(error?.code == .internalError, "\(method)")
                #expect(error?.message.contains("\"key\"") == true, "\(method)")
            }
        }
    }

    @Test func tooMuchMetadataFailsTheCall() async throws {
        let large: Metadata = ["key": .string(String(repeating: "x", count: 17 * 1024))]
        let bad: RawHandler = { _, _ in StreamingServerResponse(single: ServerResponse(message: [], metadata: large)) }
        let badTrailer: RawHandler = { _, _ in StreamingServerResponse { _ in large } }
        try await withLoopback(["Echo": RawService.echo, "Bad": bad, "BadTrailer": badTrailer]) { client, _ in
            for (method, metadata) in [("Echo", large), ("Bad", [:]), ("BadTrailer", [:])] {
                let error = await #expect(throws: RPCError.self) { try await client.call(method, metadata: metadata) }
                #expect(error?.code == .resourceExhausted, "\(method)")
            }
            let answer = try await client.call("Echo", [1])
            #expect(answer == [1], "the connection goes on")
        }
    }
}
