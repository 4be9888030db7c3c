import GRPCCore
import InMemoryTracing
import Logging
import MetricsTestKit
import ServiceKit
import ServiceKitAuth
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport
import ServiceKitTesting
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTP

/// Each middleware of an App, through each door over HTTP: none can be walked around.
@Suite(.timeLimit(.minutes(4)))
struct GuardWalkTests {
    /// Middleware that refuses.
    struct Guard: CustomStringConvertible, Sendable {
        /// The name of its type.
        let description: String
        /// The configuration of the server.
        let section: String
        /// The headers of the calls.
        var fields: [String] = []
        /// How often each door is open before.
        var served = 0
        let status: Int
        let text: String
    }

    private static let secret = "a secret of thirty-two bytes or more, known to both sides"
    /// A token of `alice` for the secret, valid until 2033.
    private static let token =
        "Authorization: Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
        + "eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoiYWxpY2UiLCJhdWQiOlsidXNlcnMiXSwiZXhwIjoyMDAwMDAwMDAwLCJuYmYi"
        + "OjE3MDAwMDAwMDAsInJvbGVzIjpbImFkbWluIiwicmVhZGVyIl0sInRlbmFudCI6eyJpZCI6N319"
        + ".JnJ9k8MNvS_o8xpAu9JZ3sncgLxB15d7vHSLZk7XxI0"
    private static let auth = "auth: {jwt: {secret: '\(secret)'}}"
    private static let burst = Door.allCases.count

    static let guards: [Guard] = [
        Guard(
            description: "RateLimit", section: "rate-limit: {per-second: 0.001, burst: \(burst)}", served: 1,
            status: 429, text: "too many"),
        Guard(
            description: "SubjectRateLimit",
            section: "\(auth), rate-limit: {per-second: 0.001, burst: \(burst), by: subject}",
            fields: [token], served: 1, status: 429, text: "too many"),
        Guard(description: "Authentication", section: auth, status: 401, text: ""),
        Guard(
            description: "Authentication", section: auth, fields: ["Authorization: Bearer a.b.c"], status: 401, text: ""
        ),
        Guard(
            description: "Authorization", section: "\(auth), authorization: {rules: [{subjects: [bob]}]}",
            fields: [token], status: 403, text: "may not call"),
        Guard(description: "FaultInjection", section: "faults: {abort: {status: UNAVAILABLE}}", status: 503, text: ""),
        Guard(
            description: "Deadlines", section: "timeouts: {default: 100ms}, faults: {delay: {duration: 10m}}",
            status: 504,
            text: ""),
    ]

    private func with(
        _ section: String = "", use middleware: [any Middleware] = [], _ body: (HTTPTestServer) async throws -> Void
    ) async throws {
        try await HTTPTestServer.with(
            "server: {\(section)}\n", plugins: [.http, .auth],
            extend: { app in
                for middleware in middleware { app.use(middleware) }
                app.http.get("/own") { _ in RouteResponse(text: "own") }
            }, body)
    }

    // MARK: - What refuses

    @Test(arguments: guards)
    func guardIsAtEachDoor(_ walk: Guard) async throws {
        try await with(walk.section) { server in
            for door in Door.allCases {
                for _ in 0..<walk.served {
                    #expect(try await door.call(server, walk.fields).status == 200, "\(door)")
                }
            }
            for door in Door.allCases {
                let answer = try await door.call(server, walk.fields)
                #expect(answer.status == walk.status, "\(door): \(answer.text)")
                #expect(answer.text.contains(walk.text) || walk.text.isEmpty, "\(door): \(answer.text)")
            }
        }
    }

    @Test func tokenOpensEachDoor() async throws {
        try await with("\(Self.auth), authorization: {rules: [{subjects: [alice]}]}") { server in
            for door in Door.allCases {
                let answer = try await door.call(server, [Self.token])
                #expect(answer.status == 200, "\(door): \(answer.text)")
            }
        }
    }

    @Test func concurrencyLimitIsAtEachDoor() async throws {
        try await with("limit: {concurrency: fixed, fixed: {max: 1}}") { server in
            let client = try server.client()
            await client.send("GET /v1/users:watch HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually { server.users.running.value == 1 }
            for door in Door.allCases { #expect(try await door.call(server).status == 429, "\(door)") }
            client.leave()
            for door in Door.allCases {
                try await eventually { try await door.call(server).status == 200 }
            }
        }
    }

    /// The breaker refuses a share of the calls only.
    @Test(arguments: Door.allCases)
    func breakerIsAtEachDoor(_ door: Door) async throws {
        let faults = "faults: {abort: {status: UNAVAILABLE}}"
        try await with("breaker: {enabled: true, k: 1, min-requests: 1}, \(faults)") { server in
            try await eventually {
                let answer = try await door.call(server)
                #expect(answer.status == 503, "\(answer.text)")
                return !answer.text.contains("fault")
            }
        }
    }

    @Test func textsOfUnknownErrorsStayInside() async throws {
        try await with(use: [Broken()]) { server in
            for door in Door.allCases {
                let answer = try await door.call(server)
                #expect(answer.status == 500, "\(door): \(answer.text)")
                #expect(!answer.text.contains("password"), "\(door): \(answer.text)")
            }
        }
    }

    /// The rules of `buf.validate`.
    @Test func messagesAreCheckedAtEachDoor() async throws {
        try await HTTPTestServer.with(descriptors: RuledUsers.descriptors()) { server in
            let client = try server.client()
            await client.send(
                "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
                    + #"{"name":"a"}"#)
            let rest = try await client.response()
            let connect = try await server.post("CreateUser", json: #"{"name":"a"}"#)
            for response in [rest, connect] {
                #expect(response.status == 400)
                #expect(response.text.contains("name: must have at least 2 characters"), "\(response.text)")
            }
            #expect(rest.text.contains(#""reason":"VALIDATOR""#), "\(rest.text)")
            #expect(connect.text.contains(#""type":"google.rpc.BadRequest""#), "\(connect.text)")
            let web = try await server.post("CreateUser", "application/grpc-web", [0, 0, 0, 0, 3, 10, 1, 97])
            #expect(pieces(web.body).last?.text.hasPrefix("grpc-status: 3\r\n") == true)
            #expect(server.users.created.value.isEmpty)
        }
    }

    /// `ValidatableMessage`. Calls by GET have no door here: only `GetUser` has them, whose checks are those of other tests;
    /// they are read as calls by POST are.
    @Test func validatableMessagesAreCheckedAtEachDoor() async throws {
        let create = User_V1_CreateUserRequest.with { $0.name = User_V1_CreateUserRequest.refusedName }
        let list = User_V1_ListUsersRequest.with { $0.limit = User_V1_ListUsersRequest.refusedLimit }
        let (json, wire): (String, [UInt8]) = (try create.jsonString(), try create.serializedBytes())
        let (listJSON, listWire): (String, [UInt8]) = (try list.jsonString(), try list.serializedBytes())
        func web(_ message: [UInt8]) -> [UInt8] { [0, 0, 0, 0, UInt8(message.count)] + message }
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send(
                "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(json.utf8.count)\r\n\r\n\(json)")
            let rest = try await client.response()
            #expect(rest.text.contains(#""reason":"VALIDATOR""#), "\(rest.text)")
            await client.send("GET /v1/users?limit=\(list.limit) HTTP/1.1\r\nHost: x\r\n\r\n")
            let restStream = try await client.response()
            let responses = [
                rest, restStream, try await server.post("CreateUser", json: json),
                try await server.post("CreateUser", "application/proto", wire),
            ]
            for response in responses {
                #expect(response.status == 400, "\(response.text)")
                #expect(response.text.contains("is of no "), "\(response.text)")
            }
            for (type, body) in [("json", envelope(listJSON)), ("proto", web(listWire))] {
                let response = try await server.post("ListUsers", "application/connect+\(type)", body)
                #expect(response.text.contains("limit: is of no list"), "\(response.text)")
            }
            for (method, message) in [("CreateUser", wire), ("ListUsers", listWire)] {
                let response = try await server.post(method, "application/grpc-web", web(message))
                let status = response.fields["grpc-status"] ?? pieces(response.body).last?.text ?? ""
                #expect(status == "3" || status.hasPrefix("grpc-status: 3\r\n"), "\(method): \(status)")
            }
            let socket = WebSocketClient(raw: try server.client())
            await socket.raw.send(WebSocketClient.handshake("/user.v1.UserService/ListUsers", []))
            await socket.send(.text(listJSON))
            let answer = try await socket.raw.response()
            let text = answer.status == 101 ? try await socket.rest().map(\.text).joined() : answer.text
            #expect(text.contains("limit: is of no list"), "\(answer.status) \(text)")
            #expect(server.users.created.value.isEmpty)
        }
    }

    private struct Broken: Middleware {
        struct Failure: Error, CustomStringConvertible { let description = "the password is x" }

        func begin(_ call: inout Call) async throws { throw Failure() }
    }

    // MARK: - What watches

    @Test func eachCallIsMeasuredTracedAndLogged() async throws {
        let (metrics, tracer) = (TestMetrics(), InMemoryTracer())
        let lanes = Shared<[String?]>([])
        try await with(
            "load-reports: {enabled: true}",
            use: [CallMetrics(factory: metrics), CallTracing(tracer), LaneReader(lanes: lanes)]
        ) { server in
            let fields = [
                "\(InMemoryTracer.traceIDKey): trace-7", "\(InMemoryTracer.spanIDKey): span-7",
                "X-MD-Global-Lane: blue",
            ]
            for door in Door.allCases { #expect(try await door.call(server, fields).status == 200, "\(door)") }
            try await eventually { tracer.finishedSpans.count == Door.allCases.count }
            let logged = server.log.entries.filter { $0.message == "call" && $0.metadata["transport"] == "http" }
            #expect(logged.count == Door.allCases.count)
        }
        #expect(Set(tracer.finishedSpans.map(\.traceID)) == ["trace-7"])
        #expect(Set(tracer.finishedSpans.map(\.parentSpanID)) == ["span-7"])
        #expect(lanes.value == Array(repeating: "blue", count: Door.allCases.count))
        let timers = metrics.timers(label: "rpc.server.call.duration")
        #expect(timers.map(\.values.count).reduce(0, +) == Door.allCases.count)
        let methods = Set(timers.flatMap(\.dimensions).filter { $0.0 == "rpc.method" }.map(\.1))
        #expect(methods == ["user.v1.UserService/GetUser", "user.v1.UserService/ListUsers", "http/GET/own"])
    }

    private struct LaneReader: Middleware {
        let lanes: Shared<[String?]>

        func begin(_ call: inout Call) async throws {
            let lane = call.context.incomingMetadata?["x-md-global-lane"]
            lanes.update { $0.append(lane) }
        }
    }

    /// The report is in the trailers of the protocols that have some, and in the head of a response over REST. A client that
    /// does not ask is told nothing.
    @Test func loadIsReportedToClientsThatAsk() async throws {
        try await with("load-reports: {enabled: true}") { server in
            for format in ["bin", "text", "json", ""] {
                let ask = format.isEmpty ? [] : ["Endpoint-Load-Metrics-Format: \(format)"]
                let web = try await Door.grpcWeb.call(server, ask)
                #expect(web.text.contains("endpoint-load-metrics-bin: ") == (format == "bin"))
                #expect(web.text.contains("endpoint-load-metrics: TEXT ") == (format == "text"))
                let connect = try await server.post("GetUser", json: #"{"id":1}"#, ask)
                #expect((connect.fields["trailer-endpoint-load-metrics-bin"] != nil) == (format == "bin"))
                let client = try server.client()
                let head = ["GET /v1/users/1 HTTP/1.1", "Host: x"] + ask
                await client.send(head.joined(separator: "\r\n") + "\r\n\r\n")
                let rest = try await client.response()
                #expect((rest.fields["endpoint-load-metrics-bin"] != nil) == (format == "bin"))
                #expect((rest.fields["endpoint-load-metrics"]?.hasPrefix("TEXT ") == true) == (format == "text"))
            }
        }
    }

    // MARK: - All of them

    /// A middleware that Apps get by default, and that no test here walks, fails this one.
    @Test func allMiddlewareIsWalked() async throws {
        let names = Shared<Set<String>>([])
        try await HTTPTestServer.with(
            "server: {load-reports: {enabled: true}, \(Self.auth)}\n", plugins: [.http, .auth],
            extend: { app in
                let all = Set(app.serverMiddleware.names)
                names.update { $0 = all }
            }
        ) { _ in }
        let watching = ["CallMetrics", "CallTracing", "CallLogging", "MetadataPropagation", "LoadReporting"]
        let others = ["ConcurrencyLimit", "CircuitBreakers", "ErrorMasking"]
        #expect(names.value == Set(Self.guards.map(\.description) + watching + others))
    }
}
