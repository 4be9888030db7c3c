import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// Clients that do not keep to the protocol of WebSocket, or to the bounds.
@Suite(.timeLimit(.minutes(1)))
struct HostileWebSocketTests {
    struct Attack: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]
        let code: Int

        init(_ description: String, _ code: Int, _ bytes: [UInt8]) {
            (testDescription, self.code, self.bytes) = (description, code, bytes)
        }

        init(_ description: String, _ code: Int, _ frames: WebSocketClient.Frame...) {
            self.init(description, code, frames.flatMap(\.bytes))
        }
    }

    private typealias Frame = WebSocketClient.Frame

    static let attacks: [Attack] = [
        Attack("a frame without a mask", 1002, Frame.text("{}").bytes(length: 2, isMasked: false)),
        Attack("a reserved bit", 1002, Frame(head: 0xc1, payload: [])),
        Attack("a reserved opcode", 1002, Frame(head: 0x83, payload: [])),
        Attack("a reserved opcode of control", 1002, Frame(head: 0x8b, payload: [])),
        Attack("a fragmented ping", 1002, Frame(head: 0x09, payload: [])),
        Attack("a long ping", 1002, .ping(Array(repeating: 0, count: 126))),
        Attack("a continuation of nothing", 1002, Frame(head: 0x80, payload: [1])),
        Attack("a message in a message", 1002, Frame(head: 0x01, payload: [0x7b]), .text("{}")),
        Attack("a text that is not UTF-8", 1007, Frame(head: 0x81, payload: [0x22, 0xc3, 0x28, 0x22])),
        Attack("a surrogate", 1007, Frame(head: 0x81, payload: [0xed, 0xa0, 0x80])),
        Attack("a message beyond the limit", 1009, .text(String(repeating: " ", count: 1025))),
        Attack(
            "fragments beyond the limit", 1009, Frame(head: 0x01, payload: Array(repeating: 0x20, count: 1024)),
            Frame(head: 0x80, payload: [0x20])),
        Attack("a length of 2⁶³-1", 1009, Frame(head: 0x82, payload: []).bytes(length: Int.max)),
        Attack("a length of 2⁶⁴-1", 1009, [0x82, 0xff] + Array(repeating: 0xff, count: 12)),
        Attack("half a code of Close", 1002, Frame(head: 0x88, payload: [3])),
        Attack("a code of Close that stands for none", 1002, .close(1005)),
        Attack("a reason of Close that is not UTF-8", 1007, Frame(head: 0x88, payload: [3, 0xe8, 0xff])),
        Attack("a flood of pings", 1008, Array(repeating: Frame.ping().bytes, count: 5000).flatMap(\.self)),
        Attack(
            "a flood of empty fragments", 1008,
            Frame(head: 0x01, payload: []).bytes
                + Array(repeating: Frame(head: 0x00, payload: []).bytes, count: 5000).flatMap(\.self)),
    ]

    @Test(arguments: attacks)
    func attackEndsTheConnectionAndTheCall(_ attack: Attack) async throws {
        let talk = TalkService()
        try await HTTPTestServer.with(
            "server: {grpc: {limits: {max-message: 1KiB}}}\n",
            extend: { app in #expect(throws: Never.self) { try talk.serve(on: app) } }
        ) { server in
            let client = try await WebSocketClient.open(server, "/user.v1.TalkService/Echo")
            try await eventually { talk.running.value == 1 }
            await client.raw.send(attack.bytes)
            var frames: [WebSocketClient.Frame] = []
            while frames.last?.code == nil { frames.append(try await client.next()) }
            #expect(frames.last?.code == attack.code, "\(frames.last?.text ?? "")")
            // The pings that were answered before are few.
            #expect(frames.count < 200)
            await client.send(.close(1000))
            #expect(await client.raw.isClosed())
            try await eventually { talk.running.value == 0 }
        }
    }

    /// The client neither closes nor leaves.
    @Test func closedWebSocketDoesNotWaitForItsClient() async throws {
        try await HTTPTestServer.with(
            extend: { app in #expect(throws: Never.self) { try TalkService().serve(on: app) } }
        ) { server in
            let client = try await WebSocketClient.open(server, "/user.v1.TalkService/Echo")
            await client.send(.end)
            #expect(try await client.next() == .close(1000))
            await client.send(.text("{}"), .ping())
            #expect(await client.raw.isClosed())
        }
    }

    /// A client that reads nothing is given up when the write time has passed.
    @Test func clientThatReadsNothingIsGone() async throws {
        let talk = TalkService()
        try await HTTPTestServer.with(
            "server: {grpc: {limits: {write-timeout: 300ms}}}\n",
            extend: { app in #expect(throws: Never.self) { try talk.serve(on: app) } }
        ) { server in
            let client = try await WebSocketClient.open(server, "/user.v1.TalkService/Echo")
            let message = WebSocketClient.Frame.text(#"{"name":"\#(String(repeating: "a", count: 100_000))"}"#).bytes
            // The echo of it fills all buffers, and the server ends the connection.
            for _ in 0..<1000 { await client.raw.send(message) }
            try await eventually { talk.running.value == 0 }
        }
    }
}
