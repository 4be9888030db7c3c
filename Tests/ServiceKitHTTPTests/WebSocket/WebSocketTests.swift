import GRPCCore
import ServiceKit
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTP

/// Calls by WebSocket.
@Suite(.timeLimit(.minutes(3)))
struct WebSocketTests {
    private static let echo = "/user.v1.TalkService/Echo"
    private static let collect = "/user.v1.TalkService/Collect"

    private func with(
        _ yaml: String = "", _ talk: TalkService = TalkService(), isDirect: Bool = false,
        drainTimeout: String = "10m", use: [any Middleware] = [], _ body: (HTTPTestServer) async throws -> Void
    ) async throws {
        try await HTTPTestServer.with(
            yaml, drainTimeout: drainTimeout,
            extend: { app in
                for middleware in use { app.use(middleware) }
                #expect(throws: Never.self) { try talk.serve(on: app, isDirect: isDirect) }
            }, body)
    }

    // MARK: - Messages

    @Test(arguments: [false, true])
    func streamsGoBothWays(isDirect: Bool) async throws {
        try await with(isDirect: isDirect) { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            for id in 1...3 {
                await client.send(.text(#"{"id": "\#(id)", "name": "Ä"}"#))
                #expect(try await client.next() == .text(#"{"id":"\#(id)","name":"Ä","email":""}"#))
            }
            await client.send(.end)
            #expect(try await client.rest() == [.close(1000)])
            #expect(await client.raw.isClosed())
        }
    }

    @Test(arguments: [false, true])
    func streamOfRequestsHasOneResponse(isDirect: Bool) async throws {
        try await with(isDirect: isDirect) { server in
            let client = try await WebSocketClient.open(server, Self.collect)
            await client.send(.text(#"{"name":"a"}"#), .text(#"{"name":"b"}"#), .text(""), .end)
            #expect(try await client.rest() == [.text(#"{"id":"3","name":"ab","email":""}"#), .close(1000)])
        }
    }

    @Test func streamOfResponsesHasOneRequest() async throws {
        try await with { server in
            let client = try await WebSocketClient.open(server, "/user.v1.UserService/ListUsers")
            await client.send(.text("{}"))
            let frames = try await client.rest()
            #expect(frames.dropLast().map(\.text.count) == [31, 31, 31])
            #expect(frames.last == .close(1000))
        }
    }

    @Test func binaryMessagesAreInTheWireFormat() async throws {
        try await with { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            let message = try User_V1_User.with { $0.name = "Ada" }.serializedBytes() as [UInt8]
            await client.send(.binary(message))
            #expect(try await client.next() == .binary(message))
            await client.send(.text(#"{"id":1}"#))
            #expect(try await client.next().head == 0x81)
        }
    }

    @Test func pathAndQueryAreInEachMessage() async throws {
        try await with { server in
            let client = try await WebSocketClient.open(server, "/v1/rooms/blue?id=7")
            await client.send(.text(#"{"name":"a","email":"red"}"#))
            #expect(try await client.next() == .text(#"{"id":"7","name":"a","email":"blue"}"#))
            await client.send(.binary([0x12, 1, 0x62]))
            let answer = try User_V1_User(serializedBytes: try await client.next().payload)
            #expect(answer == .with { ($0.id, $0.name, $0.email) = (7, "b", "blue") })
        }
    }

    @Test func metadataOfAResponseIsInTheHandshake() async throws {
        try await with { server in
            let client = try server.client()
            await client.send(WebSocketClient.handshake(Self.echo))
            #expect(try await client.response().fields["x-talk"] == "yes")
        }
    }

    @Test func fragmentsMakeAMessage() async throws {
        try await with { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            // The character is in two fragments.
            await client.send(
                .init(head: 0x01, payload: Array(#"{"name":"#.utf8) + [0x22, 0xc3]), .ping([7]),
                .init(head: 0x00, payload: []), .init(head: 0x80, payload: [0xa4, 0x22, 0x7d]))
            #expect(try await client.next() == .pong([7]))
            #expect(try await client.next() == .text(#"{"id":"0","name":"ä","email":""}"#))
        }
    }

    /// A client that does not wait for the answer to its handshake.
    @Test func messagesMayComeWithTheHandshake() async throws {
        try await with { server in
            let client = WebSocketClient(raw: try server.client())
            let frames = [WebSocketClient.Frame.text(#"{"name":"a"}"#), .end].flatMap(\.bytes)
            await client.raw.send(Array(WebSocketClient.handshake(Self.collect).utf8) + frames)
            #expect(try await client.raw.response().status == 101)
            #expect(try await client.rest() == [.text(#"{"id":"1","name":"a","email":""}"#), .close(1000)])
        }
    }

    /// Far more than a connection keeps comes before the handler reads: reading stops, and goes on.
    @Test func unreadMessagesGetThroughLater() async throws {
        let gate = Gate()
        try await with("", TalkService(gate: gate)) { server in
            let client = try await WebSocketClient.open(server, Self.collect)
            let tiny = Array(repeating: WebSocketClient.Frame.text("").bytes, count: 20_000).flatMap(\.self)
            let large = WebSocketClient.Frame.text("{}" + String(repeating: " ", count: 100_000)).bytes
            let sender = Task {
                await client.raw.send(tiny)
                for _ in 0..<40 { await client.raw.send(large) }
                await client.send(.end)
            }
            await gate.waitForArrivals()
            gate.open()
            await sender.value
            #expect(try await client.rest().first == .text(#"{"id":"20040","name":"","email":""}"#))
        }
    }

    // MARK: - The end

    @Test(arguments: [("refuse", 404, "USER_NOT_FOUND", 1008), ("crash", 500, "BROKEN", 1011)])
    func errorIsALastText(_ name: String, _ status: Int, _ reason: String, _ code: Int) async throws {
        try await with { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            await client.send(.text(#"{"name":"\#(name)"}"#))
            let frames = try await client.rest()
            #expect(frames.first?.text.hasPrefix("\u{1e}error:{\"code\":\(status),\"reason\":\"\(reason)\"") == true)
            #expect(frames.last?.code == code)
            #expect(await client.raw.isClosed())
        }
    }

    @Test(arguments: ["{", #"{"id":"x"}"#, "\u{1e}stop"])
    func wrongMessageEndsTheCall(_ text: String) async throws {
        try await with { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            await client.send(.text(text))
            let frames = try await client.rest()
            #expect(frames.first?.text.hasPrefix("\u{1e}error:{\"code\":400,") == true)
            #expect(frames.last?.code == 1008)
        }
    }

    @Test func timeOfTheCallCounts() async throws {
        try await with { server in
            let client = try await WebSocketClient.open(server, Self.echo, ["x-request-timeout: 50ms"])
            let frames = try await client.rest()
            #expect(frames.first?.text.hasPrefix("\u{1e}error:{\"code\":504,") == true)
            #expect(frames.last?.code == 1011)
        }
    }

    @Test(arguments: [false, true])
    func clientThatClosesCancelsItsCall(isDirect: Bool) async throws {
        let talk = TalkService()
        try await with("", talk, isDirect: isDirect) { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            try await eventually { talk.running.value == 1 }
            await client.send(.close(1001))
            #expect(try await client.next() == .close(1001))
            #expect(await client.raw.isClosed())
            try await eventually { talk.running.value == 0 && talk.cancelled.value == 1 }
        }
    }

    @Test func clientThatLeavesCancelsItsCall() async throws {
        let talk = TalkService()
        try await with("", talk) { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            try await eventually { talk.running.value == 1 }
            client.raw.leave()
            try await eventually { talk.running.value == 0 && talk.cancelled.value == 1 }
        }
    }

    @Test func clientThatDoesNotAnswerAPingIsGone() async throws {
        let talk = TalkService()
        try await with("server: {http: {idle-timeout: 200ms}}\n", talk) { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            #expect(try await client.next() == .ping())
            #expect(await client.raw.isClosed())
            try await eventually { talk.running.value == 0 }
        }
    }

    @Test func clientThatAnswersPingsStays() async throws {
        // So long that a busy machine answers in time.
        try await with("server: {http: {idle-timeout: 4s}}\n") { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            #expect(try await client.next() == .ping())
            await client.send(.pong())
            #expect(try await client.next() == .ping())
        }
    }

    // MARK: - The server's end

    @Test func drainWaitsForACallAndSaysThatItGoesAway() async throws {
        let opened = Shared<WebSocketClient?>(nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await with { server in
                let client = try await WebSocketClient.open(server, Self.echo)
                opened.update { $0 = client }
                group.addTask {
                    // Nobody else gets in when the server drains.
                    try await eventually { (try? RawClient(port: server.port)) == nil }
                    await client.send(.text("{}"))
                    #expect(try await client.next().head == 0x81)
                    await client.send(.end)
                    #expect(try await client.rest() == [.close(1001)])
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func callThatOutlivesTheDrainIsToldThatTheServerStops() async throws {
        let talk = TalkService()
        let opened = Shared<WebSocketClient?>(nil)
        try await with("", talk, drainTimeout: "100ms") { server in
            let client = try await WebSocketClient.open(server, Self.echo)
            opened.update { $0 = client }
            try await eventually { talk.running.value == 1 }
        }
        #expect(try await opened.value?.rest().last?.code == 1001)
        #expect(talk.running.value == 0)
    }

    // MARK: - Guards

    private struct Refusal: Middleware {
        func begin(_ call: inout Call) async throws {
            throw ServiceError(.unauthenticated, reason: "NO_TOKEN", message: "\(call.transport) needs a token")
        }
    }

    @Test(arguments: [false, true])
    func middlewareRefusesTheHandshake(isDirect: Bool) async throws {
        try await with("", isDirect: isDirect, use: [Refusal()]) { server in
            for target in [Self.echo, Self.collect, "/v1/rooms/a"] {
                let client = try server.client()
                await client.send(WebSocketClient.handshake(target))
                let response = try await client.response()
                #expect(response.status == 401)
                #expect(response.text.contains(#""reason":"NO_TOKEN","message":"http needs a token""#))
                #expect(await client.isClosed())
            }
        }
    }

    private static let cors = "server: {http: {cors: {origins: ['https://a.example']}}}\n"

    @Test(arguments: [
        ("", "http://x", 101), ("", "https://x", 101), ("", "http://X", 101), ("", "https://a.example", 403),
        ("", "null", 403), ("", "http://x.example", 403), ("", "x", 403), (cors, "https://a.example", 101),
        (cors, "http://a.example", 403), (cors, "https://x", 101),
        ("server: {http: {cors: {origins: ['*']}}}\n", "https://b.example", 101),
    ])
    func pagesOfOtherSitesAreRefused(_ yaml: String, _ origin: String, _ status: Int) async throws {
        try await with(yaml) { server in
            let client = try server.client()
            await client.send(WebSocketClient.handshake(Self.echo, ["Origin: \(origin)"]))
            #expect(try await client.response().status == status)
        }
    }

    /// A browser sends cookies to any WebSocket, whatever CORS says.
    @Test(arguments: [
        ("['*']", "https://b.example", false, "none"), ("['https://b.example']", "https://b.example", true, "a=1"),
        ("['*']", "https://x", false, "a=1"),
    ])
    func cookiesOfOtherSitesCountOnlyWhereCORSSaysSo(
        _ origins: String, _ origin: String, _ cookies: Bool, _ seen: String
    ) async throws {
        try await with("server: {http: {cors: {origins: \(origins), cookies: \(cookies)}}}\n") { server in
            let client = try await WebSocketClient.open(server, Self.echo, ["Origin: \(origin)", "Cookie: a=1"])
            await client.send(.text(#"{"name":"cookie"}"#))
            #expect(try await client.next().text.contains(#""name":"\#(seen)""#))
        }
    }
}
