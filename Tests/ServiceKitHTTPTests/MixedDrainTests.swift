import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTP

/// The end of a server under calls of all protocols at once.
@Suite(.timeLimit(.minutes(4)))
struct MixedDrainTests {
    private static let callers = 16
    /// The pause of a caller between its calls: they are to share two cores with the server.
    private static let pause = Duration.milliseconds(20)
    private static let events = (1...3).map { id in
        "event: message\ndata: {\"id\":\"\(id)\",\"name\":\"\",\"email\":\"\"}\n\n"
    }.joined()

    /// The calls that clients have seen succeed.
    private struct Seen: Sendable {
        let created = Shared(0)
        let streams = Shared(0)
        let echoes = Shared(0)
        let isStopping = Shared(false)
    }

    @Test func noCallIsLost() async throws {
        let (seen, talk) = (Seen(), TalkService())
        let users = Shared<TestUsers?>(nil)
        let started = Shared<GRPCClient<ServiceChannel>?>(nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await HTTPTestServer.with(
                extend: { app in #expect(throws: Never.self) { try talk.serve(on: app) } }
            ) { server in
                users.update { $0 = server.users }
                // The connection may take its time where all tests begin at once.
                var options = ChannelOptions()
                options.readyTimeout = .seconds(120)
                let channel = try ServiceChannel(
                    to: "user-service", discoverer: server.registry, options: options)
                // Everybody is connected before the first call is made.
                let grpc = GRPCClient(transport: channel)
                group.addTask { try await grpc.runConnections() }
                started.update { $0 = grpc }
                _ = try await User_V1_UserService.Client(wrapping: grpc).getUser(.with { $0.id = 1 })
                var clients: [(rest: RawClient, events: RawClient, socket: WebSocketClient)] = []
                for _ in 0..<Self.callers {
                    let socket = try await WebSocketClient.open(server, "/user.v1.TalkService/Echo")
                    clients.append((try server.client(), try server.client(), socket))
                }
                for client in clients {
                    group.addTask { try await Self.create(client.rest, seen) }
                    group.addTask { try await Self.list(client.events, seen) }
                    group.addTask { try await Self.talk(client.socket, seen) }
                    group.addTask { try await Self.create(grpc, seen) }
                }
                try await eventually {
                    seen.created.value > 300 && seen.streams.value > 50 && seen.echoes.value > 50
                }
                seen.isStopping.update { $0 = true }
            }
            started.value?.beginGracefulShutdown()
            try await group.waitForAll()
        }
        // Each user that a handler has created is one that a client knows of.
        #expect(users.value?.created.value.count == seen.created.value)
        #expect(talk.cancelled.value == 0)
    }

    /// Answers to requests on one connection, up to the server's word that it closes. An idle connection closes without.
    private static func requests(
        _ client: RawClient, _ request: String, _ answered: (RawClient.Response) throws -> Void
    ) async throws {
        var last = ContinuousClock.now
        while true {
            let start = ContinuousClock.now
            await client.send(request)
            // The server's second begins after the request before, at the earliest.
            let isSentSoon = ContinuousClock.now - last < .milliseconds(800)
            last = start
            let response: RawClient.Response
            do {
                response = try await client.response()
            } catch {
                // An idle connection is closed after a second.
                #expect(!isSentSoon, "\(request.prefix(20)): \(error)")
                return
            }
            try answered(response)
            try await Task.sleep(for: pause)
            if response.fields["connection"] == "close" { return }
        }
    }

    private static func create(_ client: RawClient, _ seen: Seen) async throws {
        let request =
            "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
            + #"{"name":"Ada"}"#
        try await requests(client, request) { response in
            #expect(response.status == 200)
            seen.created.update { $0 += 1 }
        }
    }

    private static func list(_ client: RawClient, _ seen: Seen) async throws {
        try await requests(client, "GET /v1/users HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n") {
            response in
            #expect(response.text == events)
            seen.streams.update { $0 += 1 }
        }
    }

    private static func talk(_ client: WebSocketClient, _ seen: Seen) async throws {
        while !seen.isStopping.value {
            await client.send(.text(#"{"id":"7"}"#))
            let echo = try #require(try? await client.next(), "an echo is lost")
            #expect(echo.text == #"{"id":"7","name":"","email":""}"#)
            seen.echoes.update { $0 += 1 }
            try await Task.sleep(for: pause)
        }
        // The server waits for the call.
        await client.send(.text("{}"), .end)
        let rest = try #require(try? await client.rest(), "a stream has no end")
        #expect(rest.count == 2)
        #expect([1000, 1001].contains(rest.last?.code))
    }

    private static func create(_ grpc: GRPCClient<ServiceChannel>, _ seen: Seen) async throws {
        let client = User_V1_UserService.Client(wrapping: grpc)
        while true {
            do {
                _ = try await client.createUser(.with { $0.name = "Ada" })
            } catch where seen.isStopping.value {
                // The server is not registered any more, or the client stops.
                return
            }
            seen.created.update { $0 += 1 }
            try await Task.sleep(for: pause)
        }
    }
}
