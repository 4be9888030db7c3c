import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct CallKindTests {
    @Test func unaryCallReturnsItsMessage() async throws {
        try await withLoopback(["Echo": RawService.echo]) { client, _ in
            let answer = try await client.call("Echo", [1, 2, 3])
            #expect(answer == [1, 2, 3])
            let empty = try await client.call("Echo", [])
            #expect(empty.isEmpty)
        }
    }

    @Test func clientStreamingCallSendsAllMessages() async throws {
        let sum: RawHandler = { request, _ in
            let messages = try await RawService.collect(request)
            return StreamingServerResponse(single: ServerResponse(message: messages.flatMap { $0 }))
        }
        try await withLoopback(["Join": sum]) { client, _ in
            let answer = try await client.stream("Join") { writer in
                for byte in UInt8(0)..<100 {
                    try await writer.write([byte])
                }
            } response: { response in
                try await response.messages.reduce(into: []) { $0.append($1) }
            }
            #expect(answer == [Array(0..<100)])
        }
    }

    @Test func serverStreamingCallReturnsAllMessages() async throws {
        let split: RawHandler = { request, _ in
            let message = try await ServerRequest(stream: request).message
            return StreamingServerResponse { writer in
                for byte in message {
                    try await writer.write([byte])
                }
                return [:]
            }
        }
        try await withLoopback(["Split": split]) { client, _ in
            let answer = try await client.stream("Split") { writer in
                try await writer.write(Array(0..<100))
            } response: { response in
                try await response.messages.reduce(into: [UInt8]()) { $0 += $1 }
            }
            #expect(answer == Array(0..<100))
        }
    }

    @Test func bidirectionalCallAnswersEachMessageInTurn() async throws {
        try await withLoopback(["Echo": RawService.echoEach]) { client, _ in
            // Each message is sent only after the answer to the message before it.
            let (answers, answered) = AsyncStream.makeStream(of: [UInt8].self)
            let count = try await client.stream("Echo") { writer in
                try await writer.write([0])
                for await answer in answers where answer[0] < 50 {
                    try await writer.write([answer[0] + 1])
                }
            } response: { response in
                var count = 0
                for try await message in response.messages {
                    count += 1
                    answered.yield(message)
                    if message == [50] { answered.finish() }
                }
                return count
            }
            #expect(count == 51)
        }
    }

    @Test func concurrentCallsGetTheirOwnAnswers() async throws {
        try await withLoopback(["Echo": RawService.echo]) { client, _ in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<500 {
                    let message = [UInt8(index % 256), UInt8(index / 256)]
                    group.addTask { try await client.call("Echo", message) == message }
                }
                for try await isSame in group {
                    #expect(isSame)
                }
            }
        }
    }

    @Test func unknownMethodFailsAsUnimplemented() async throws {
        try await withLoopback(["Echo": RawService.echo]) { client, _ in
            let error = await #expect(throws: RPCError.self) { try await client.call("Nothing") }
            #expect(error?.code == .unimplemented)
        }
    }

    @Test(arguments: [
        TransportAddress.ipv4(host: "127.0.0.1", port: 0),
        .ipv6(host: "::1", port: 0),
        .dns(host: "localhost", port: 0),
    ])
    func callsWorkOverIPv4AndIPv6(_ address: TransportAddress) async throws {
        try await withServer(["Echo": RawService.echo], address: address) { _, bound in
            #expect(bound.port != 0)
            let target = address.description.hasPrefix("dns") ? .dns(host: "localhost", port: bound.port ?? 0) : bound
            try await withClient(target) { client in
                let answer = try await client.call("Echo", [7])
                #expect(answer == [7])
            }
        }
    }
}
