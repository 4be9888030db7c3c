import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// Clients that do not keep to the protocol of WebSocket, or to the bounds.
@Suite(.timeLimit(.minutes(3)))
struct HostileWebSocketTests {
    struct Attack: CustomStringConvertible, Sendable {
        let description: String
        let bytes: [UInt8]
        let code: Int

        init(_ description: String, _ code: Int, _ bytes: [UInt8]) {
            (self.description, self.code, self.bytes) = (description, code, bytes)
        }

        init(_ description: String, _ code: Int, _ frames: WebSocketClient.Frame...) {
            self.init(description, code, frames.flatMap(\.bytes))
        }
    }

    private typealias Frame = WebSocketClient.Frame

    static let attacks: [Attack] = [
        Attack("a frame without a mask", 1002, Frame.text("{}").bytes(length: 2, isMasked: false)),
        Attack("a Close without a mask", 1002, Frame.close(1000).bytes(length: 2, isMasked: false)),
        Attack("a ping without a mask", 1002, Frame.ping().bytes(length: 0, isMasked: false)),
        Attack("the first reserved bit", 1002, Frame(head: 0xc1, payload: [])),
        Attack("the second reserved bit", 1002, Frame(head: 0xa1, payload: [])),
        Attack("the third reserved bit", 1002, Frame(head: 0x91, payload: [])),
        Attack("all reserved bits of a ping", 1002, Frame(head: 0xf9, payload: [])),
        Attack("the first reserved opcode", 1002, Frame(head: 0x83, payload: [])),
        Attack("the last reserved opcode", 1002, Frame(head: 0x87, payload: [])),
        Attack("the first reserved opcode of control", 1002, Frame(head: 0x8b, payload: [])),
        Attack("the last reserved opcode of control", 1002, Frame(head: 0x8f, payload: [])),
        Attack("a fragmented ping", 1002, Frame(head: 0x09, payload: [])),
        Attack("a fragmented Close", 1002, Frame(head: 0x08, payload: [3, 0xe8])),
        Attack("a long Close", 1002, .close(1000, String(repeating: "a", count: 124))),
        Attack("a long ping", 1002, .ping(Array(repeating: 0, count: 126))),
        Attack("a continuation of nothing", 1002, Frame(head: 0x80, payload: [1])),
        Attack("a message in a message", 1002, Frame(head: 0x01, payload: [0x7b]), .text("{}")),
        Attack("a text that is not UTF-8", 1007, Frame(head: 0x81, payload: [0x22, 0xc3, 0x28, 0x22])),
        Attack("half a character", 1007, Frame(head: 0x81, payload: [0x22, 0xe2, 0x82])),
        Attack(
            "a text in fragments that is not UTF-8", 1007, Frame(head: 0x01, payload: [0xe2, 0x82]),
            Frame(head: 0x80, payload: [0x22])),
        Attack("a surrogate", 1007, Frame(head: 0x81, payload: [0xed, 0xa0, 0x80])),
        Attack("a message beyond the limit", 1009, .text(String(repeating: " ", count: 1025))),
        Attack(
            "fragments beyond the limit", 1009, Frame(head: 0x01, payload: Array(repeating: 0x20, count: 1024)),
            Frame(head: 0x80, payload: [0x20])),
        Attack("a length of 2⁶³-1", 1009, Frame(head: 0x82, payload: []).bytes(length: Int.max)),
        Attack("a length of 2⁶⁴-1", 1009, [0x82, 0xff] + Array(repeating: 0xff, count: 12)),
        Attack("half a code of Close", 1002, Frame(head: 0x88, payload: [3])),
        Attack("the code 0 of Close", 1002, .close(0)),
        Attack("a code of Close below all", 1002, .close(999)),
        Attack("a reserved code of Close", 1002, .close(1004)),
        Attack("a code of Close that stands for none", 1002, .close(1005)),
        Attack("a code of Close that stands for a lost connection", 1002, .close(1006)),
        Attack("a code of Close that stands for TLS", 1002, .close(1015)),
        Attack("a code of Close that nobody has", 1002, .close(2999)),
        Attack("a code of Close beyond all", 1002, .close(5000)),
        Attack("a reason of Close that is not UTF-8", 1007, Frame(head: 0x88, payload: [3, 0xe8, 0xff])),
        Attack("a flood of pings", 1008, Array(repeating: Frame.ping().bytes, count: 5000).flatMap(\.self)),
        Attack("a flood of pongs", 1008, Array(repeating: Frame.pong([1]).bytes, count: 5000).flatMap(\.self)),
        Attack(
            "a flood of pings in a message", 1008,
            Frame(head: 0x01, payload: [0x22]).bytes
                + Array(repeating: Frame.ping([1]).bytes, count: 5000).flatMap(\.self)),
        Attack(
            "a flood of empty fragments", 1008,
            Frame(head: 0x01, payload: []).bytes
                + Array(repeating: Frame(head: 0x00, payload: []).bytes, count: 5000).flatMap(\.self)),
    ]

    @Test func attacksEndTheirConnectionsAndCalls() async throws {
        let talk = TalkService()
        try await HTTPTestServer.with(
            "server: {grpc: {limits: {max-message: 1KiB}}}\n",
            extend: { app in #expect(throws: Never.self) { try talk.serve(on: app) } }
        ) { server in
            for attack in Self.attacks {
                do {
                    try await expectEnd(of: attack, server, talk)
                } catch {
                    Issue.record("\(attack): \(error)")
                }
            }
        }
    }

    private func expectEnd(of attack: Attack, _ server: HTTPTestServer, _ talk: TalkService) async throws {
        let client = try await WebSocketClient.open(server, "/user.v1.TalkService/Echo")
        try await eventually { talk.running.value == 1 }
        await client.raw.send(attack.bytes)
        // Others are served meanwhile.
        #expect(try await server.post("GetUser", json: #"{"id":1}"#).status == 200)
        var frames: [WebSocketClient.Frame] = []
        while frames.last?.code == nil { frames.append(try await client.next()) }
        #expect(frames.last?.code == attack.code, "\(attack): \(frames.last?.text ?? "")")
        // The pings that were answered before are few.
        #expect(frames.count < 200, "\(attack)")
        await client.send(.close(1000))
        #expect(await client.raw.isClosed(), "\(attack)")
        try await eventually { talk.running.value == 0 }
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
