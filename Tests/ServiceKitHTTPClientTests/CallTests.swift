import HTTPTypes
import ServiceKit
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKitHTTPClient

/// Calls by name: the requests, the responses, and their time.
@Suite(.timeLimit(.minutes(3)))
struct CallTests {
    private let fleet = TestFleet()

    @Test func callsGoToAllInstances() async throws {
        try await fleet.serving("a", "b", "c") {
            try await fleet.calling { client in
                try await client.ready(3)
                var seen: [String: Int] = [:]
                for _ in 0..<9 { seen[try await client.text(), default: 0] += 1 }
                #expect(seen == ["a": 3, "b": 3, "c": 3])
            }
        }
    }

    @Test func requestArrivesAsItWasGiven() async throws {
        let routes: TestFleet.Routes = { app, _ in
            app.http.on(.patch, "/things/{id}") { request in
                let name = HTTPField.Name("x-colour")
                let body = try await request.body.collect(upTo: 100)
                return RouteResponse(
                    .accepted, headers: [.eTag: "\"1\"", .contentType: "text/plain"],
                    body: .bytes(
                        Array(
                            [
                                request.parameters["id"] ?? "none", request.queryItem("size") ?? "none",
                                name.flatMap { request.head.headerFields[$0] } ?? "none",
                                String(decoding: body, as: UTF8.self),
                            ].joined(separator: "|").utf8)))
            }
        }
        try await fleet.serving("a", routes: routes) {
            try await fleet.calling { client in
                var headers = HTTPFields()
                if let name = HTTPField.Name("X-Colour") { headers[name] = "blue" }
                let response = try await client.send(
                    .patch, "/things/7%20a?size=2", headers: headers, body: .bytes(Array("content".utf8)))
                #expect(response.status == .accepted)
                #expect(response.headers[.eTag] == "\"1\"")
                let content = try await response.body.collect(upTo: 100)
                #expect(content == Array("7 a|2|blue|content".utf8))
            }
        }
    }

    @Test func bodiesAreStreamedBothWays() async throws {
        let routes: TestFleet.Routes = { app, _ in
            app.http.post("/echo") { request in
                RouteResponse(
                    body: .stream { writer in
                        for try await piece in request.body { try await writer.write(piece) }
                    })
            }
        }
        try await fleet.serving("a", routes: routes) {
            try await fleet.calling { client in
                let (pieces, more) = AsyncStream.makeStream(of: [UInt8].self)
                more.yield([1, 2, 3])
                let response = try await client.send(.post, "/echo", body: .stream(pieces))
                var body = response.body.makeAsyncIterator()
                let first = try await body.next()
                #expect(first == [1, 2, 3])
                // The response goes on while the request does.
                more.yield([4])
                let second = try await body.next()
                #expect(second == [4])
                more.finish()
                let last = try await body.next()
                #expect(last == nil)
            }
        }
    }

    @Test func bodyThatIsTooLongIsRefused() async throws {
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/long") { _ in RouteResponse(text: String(repeating: "x", count: 1000)) }
        }
        try await fleet.serving("a", routes: routes) {
            try await fleet.calling { client in
                let failure = await client.failure { client in
                    _ = try await client.send(.get, "/long").body.collect(upTo: 999)
                }
                #expect(failure?.reason == "RESPONSE_TOO_LARGE")
            }
        }
    }

    @Test(arguments: ["no-slash", "", "http://other.example/"])
    func pathWithoutASlashIsRefused(_ path: String) async throws {
        try await fleet.calling { client in
            let failure = await client.failure { _ = try await $0.send(.get, path) }
            #expect(failure?.code == .badRequest)
        }
    }

    @Test func requestThatCannotBeSentSaysNothingOfTheInstance() async throws {
        try await fleet.serving("a") {
            try await fleet.calling { client in
                var headers = HTTPFields()
                headers.append(HTTPField(name: .contentLength, value: "nonsense"))
                let noted = await client.failure {
                    _ = try await $0.send(.get, "/who\u{0}", headers: headers, body: .none)
                }
                #expect(noted?.code == .badRequest || noted == nil, "\(String(describing: noted))")
                try await client.expect("a")
                #expect(client.snapshot().nodes.map(\.connectivity) == [.ready])
            }
        }
    }

    // MARK: - Time

    @Test func serverThatDoesNotAnswerMeetsTheDeadline() async throws {
        let (times, cancelled) = (Shared<[String]>([]), Gate())
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/hangs") { request in
                let time = HTTPField.Name("x-request-timeout").flatMap { request.head.headerFields[$0] } ?? "none"
                times.update { $0.append(time) }
                do {
                    try await Task.sleep(for: .seconds(600))
                } catch {
                    cancelled.open()
                }
                return RouteResponse(text: "late")
            }
        }
        try await fleet.serving("a", routes: routes) {
            try await fleet.calling { client in
                // The time may be over before the request has left.
                try await eventually {
                    let failure = await client.failure {
                        try await $0.send(.get, "/hangs", timeout: .milliseconds(300)).requireSuccess()
                    }
                    #expect(failure?.code == .deadlineExceeded)
                    return !times.value.isEmpty
                }
                #expect(times.value.first?.hasSuffix("ms") == true)
                try await cancelled.pass()
            }
        }
    }

    @Test func bodyThatStopsMeetsTheDeadline() async throws {
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/stops") { _ in
                RouteResponse(
                    body: .stream { writer in
                        try await writer.write("begin")
                        try await Task.sleep(for: .seconds(600))
                    })
            }
        }
        try await fleet.serving("a", routes: routes) {
            let noting = NotingMiddleware()
            try await fleet.calling(middleware: [noting]) { client in
                let calls = Atomic<Int>(0)
                // The time may be over before the body has begun.
                try await eventually {
                    calls.add(1, ordering: .relaxed)
                    let hasBegun = Watched(false)
                    let failure = await client.failure { client in
                        let response = try await client.send(.get, "/stops", timeout: .milliseconds(300))
                        if response.status == .ok { hasBegun.update { $0 = true } }
                        _ = try await response.requireSuccess().body.collect(upTo: 100)
                    }
                    // The server's own limit may break the body off first.
                    #expect(
                        failure?.code == .deadlineExceeded || failure?.code == .unavailable,
                        "\(String(describing: failure))")
                    return hasBegun.value
                }
                #expect(noting.ended.value.count == calls.load(ordering: .relaxed))
                #expect(noting.ended.value.allSatisfy { $0.error != nil })
            }
        }
    }

    @Test func bodyThatBreaksOffIsAFailureOfTheServer() async throws {
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/breaks") { _ in
                RouteResponse(
                    body: .stream { writer in
                        try await writer.write("begin")
                        throw CancellationError()
                    })
            }
        }
        try await fleet.serving("a", routes: routes) {
            try await fleet.calling { client in
                let failure = await client.failure { client in
                    _ = try await client.send(.get, "/breaks").body.collect(upTo: 100)
                }
                #expect(failure?.code == .unavailable, "\(String(describing: failure))")
                #expect(failure?.message.hasPrefix("the response is broken off") == true)
            }
        }
    }

    @Test func callerThatLeavesIsNoticedByTheServer() async throws {
        let (arrived, cancelled) = (Gate(), Gate())
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/hangs") { _ in
                arrived.open()
                do {
                    try await Task.sleep(for: .seconds(600))
                } catch {
                    cancelled.open()
                }
                return RouteResponse(text: "late")
            }
        }
        try await fleet.serving("a", routes: routes) {
            try await fleet.calling { client in
                let task = Task { await client.failure { _ = try await $0.send(.get, "/hangs") } }
                try await arrived.pass()
                task.cancel()
                #expect(await task.value?.code == .cancelled)
                try await cancelled.pass()
                #expect(client.snapshot().nodes.map(\.inFlight) == [0])
            }
        }
    }

    // MARK: - Middleware

    @Test func middlewareIsAroundTheCallAndItsBody() async throws {
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/noted") { request in
                let name = HTTPField.Name("x-noted")
                return RouteResponse(text: name.flatMap { request.head.headerFields[$0] } ?? "no")
            }
        }
        try await fleet.serving("a", routes: routes) {
            let noting = NotingMiddleware()
            try await fleet.calling(middleware: [noting]) { client in
                let response = try await client.send(.get, "/noted")
                #expect(noting.ended.value.isEmpty)
                let content = try await response.body.collect(upTo: 10)
                #expect(content == Array("yes".utf8))
                #expect(noting.ended.value.count == 1)
                #expect(noting.ended.value.first?.error == nil)
                #expect(noting.ended.value.first?.node?.instance.id == "a")
                _ = try? await client.send(.get, "/missing", operation: "/test/Missing").requireSuccess()
                #expect(noting.ended.value.count == 2)
                #expect((noting.ended.value.last?.error as? ServiceError)?.code == .notFound)
                #expect(noting.begun.value.map(\.operation) == ["/http/GET", "/test/Missing"])
                #expect(noting.begun.value.map(\.transport) == ["http", "http"])
                #expect(noting.begun.value.map(\.peer) == ["discovery:///test", "discovery:///test"])
            }
        }
    }

    @Test func responseThatIsForgottenEndsTheCall() async throws {
        try await fleet.serving("a") {
            let noting = NotingMiddleware()
            try await fleet.calling(middleware: [noting]) { client in
                _ = try await client.send(.get, "/who")
                try await eventually { noting.ended.value.count == 1 }
                #expect(noting.ended.value.first?.error == nil)
                #expect(client.snapshot().nodes.map(\.inFlight) == [0])
            }
        }
    }

    @Test func errorOfAMiddlewareIsTheCallers() async throws {
        struct Refusing: Middleware {
            func begin(_ call: inout Call) async throws {
                throw ServiceError(.forbidden, reason: "NOT_YOU", message: "not you")
            }
        }
        try await fleet.calling(middleware: [Refusing()]) { client in
            let failure = await client.failure { _ = try await $0.send(.get, "/who") }
            #expect(failure?.reason == "NOT_YOU")
        }
    }
}
