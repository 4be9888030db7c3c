import HTTPTypes
import ServiceKit
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitHTTPClient

/// Instances that fail: retries, circuit breakers, and the way of calls around them.
@Suite(.timeLimit(.minutes(3)))
struct FailureTests {
    private let fleet = TestFleet()

    /// Instance a answers 503 always, and counts the calls.
    private func failing(_ count: Shared<Int>, headers: HTTPFields = [:]) -> TestFleet.Routes {
        { app, id in
            for method in [HTTPRequest.Method.get, .post, .put] {
                app.http.on(method, "/who") { _ in
                    if id != "a" { return RouteResponse(text: id) }
                    count.update { $0 += 1 }
                    return RouteResponse(.serviceUnavailable, headers: headers, body: .bytes(Array("not now".utf8)))
                }
            }
        }
    }

    @Test func deadInstanceLosesNoCall() async throws {
        try await fleet.serving("a") {
            try await fleet.withDeadInstance("dead") {
                try await fleet.calling { client in
                    try await eventually { client.snapshot().nodes.count == 2 }
                    for _ in 0..<20 {
                        // Not even a call that may not be made twice.
                        try await client.expect("a", .post)
                    }
                    let dead = client.snapshot().nodes.first { $0.id == "dead" }
                    #expect(dead?.connectivity == .transientFailure)
                    #expect(dead?.failure?.contains("no connection") == true)
                }
            }
        }
    }

    /// Even a call that may not be made twice: no handler has seen it.
    @Test func callThatAnOverloadedInstanceRefusesIsServedByAnotherAtOnce() async throws {
        let refused = Shared(0)
        let routes: TestFleet.Routes = { app, id in
            app.http.post("/who") { _ in
                if id != "a" { return RouteResponse(text: id) }
                refused.update { $0 += 1 }
                var headers: HTTPFields = [.retryAfter: "60"]
                headers[try #require(HTTPField.Name("servicekit-refused"))] = "1"
                return RouteResponse(.tooManyRequests, headers: headers, body: .bytes([]))
            }
        }
        try await fleet.serving("a", routes: routes) {
            try await fleet.calling { client in
                try await client.ready(1)
                // There is no other.
                #expect(try await client.send(.post, "/who").status == .tooManyRequests)
                #expect(refused.value == 1)
            }
            try await fleet.serving("b", routes: routes) {
                try await fleet.calling { client in
                    try await client.ready(2)
                    for _ in 0..<4 { try await client.expect("b", .post) }
                    #expect(refused.value > 1)
                }
            }
        }
    }

    @Test func instanceThatComesBackIsCalledAgain() async throws {
        let port = Shared(0)
        try await fleet.serving("other") {
            try await fleet.calling { client in
                // A listener that goes, and comes back at the same port.
                let (socket, number) = try RawSocket.reserve()
                port.update { $0 = number }
                let endpoint = Endpoint(scheme: "http", host: "127.0.0.1", port: number)
                let registration = try await fleet.registry.registered(
                    ServiceInstance(id: "back", name: "test", endpoints: [endpoint]))
                try await eventually { client.snapshot().nodes.count == 2 }
                try await eventually {
                    _ = try await client.text()
                    return client.snapshot().nodes.contains { $0.connectivity == .transientFailure }
                }
                try socket.beginListening()
                try await client.ready(2)
                socket.close()
                try await registration.deregister()
            }
        }
    }

    @Test func withoutAnInstanceCallsFailSoon() async throws {
        try await fleet.calling { client in
            let failure = await client.failure { _ = try await $0.send(.get, "/who") }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("no instance of \"test\" with a http endpoint is registered") == true)
        }
    }

    @Test func idempotentCallIsMadeAgainElsewhere() async throws {
        let count = Shared(0)
        let noting = NotingMiddleware()
        try await fleet.serving("a", "b", routes: failing(count)) {
            try await fleet.calling(middleware: [noting]) { client in
                try await client.ready(2)
                for method in [HTTPRequest.Method.get, .put, .get, .put] {
                    try await client.expect("b", method)
                }
                #expect(count.value > 0)
                #expect(noting.ended.value.map(\.attempts).contains(2))
            }
        }
    }

    @Test func otherCallsAreNotMadeAgain() async throws {
        let count = Shared(0)
        try await fleet.serving("a", "b", routes: failing(count)) {
            try await fleet.calling { client in
                try await client.ready(2)
                var statuses: [Int] = []
                for _ in 0..<4 { statuses.append(try await client.send(.post, "/who").status.code) }
                #expect(statuses.sorted() == [200, 200, 503, 503])
            }
            // Unless their operation is listed.
            let options = ChannelOptions.with { $0.retry.idempotent = ["/test/Who"] }
            try await fleet.calling(options) { client in
                try await client.ready(2)
                for _ in 0..<4 {
                    let status = try await client.send(.post, "/who", operation: "/test/Who").status
                    #expect(status == .ok)
                }
            }
        }
    }

    @Test func bodyThatStreamsIsSentOnce() async throws {
        let count = Shared(0)
        try await fleet.serving("a", routes: failing(count)) {
            try await fleet.calling { client in
                let pieces = AsyncStream { $0.finish() } as AsyncStream<[UInt8]>
                let status = try await client.send(.put, "/who", body: .stream(pieces)).status
                #expect(status == .serviceUnavailable)
                #expect(count.value == 1)
            }
        }
    }

    @Test(arguments: [("3600", 1), ("0", 3)])
    func serverSaysWhenToComeBack(_ value: String, _ attempts: Int) async throws {
        let count = Shared(0)
        try await fleet.serving("a", routes: failing(count, headers: [.retryAfter: value])) {
            try await fleet.calling { client in
                let status = try await client.send(.get, "/who").status
                #expect(status == .serviceUnavailable)
                #expect(count.value == attempts)
            }
        }
    }

    @Test func breakerHoldsCallsBack() async throws {
        let count = Shared(0)
        let options = ChannelOptions.with {
            $0.retry.attempts = 1
            $0.breaker.enabled = true
        }
        try await fleet.serving("a", routes: failing(count)) {
            try await fleet.calling(options) { client in
                try await eventually {
                    await client.failure { _ = try await $0.send(.get, "/who") } != nil
                }
                #expect(client.snapshot().refusedCalls > 0)
                let calls = count.value
                #expect(calls > 0)
            }
        }
    }

    @Test func instanceThatStopsLosesNoCall() async throws {
        let failures = Shared<[String]>([])
        let isOver = Shared(false)
        try await fleet.serving("a") {
            try await fleet.calling { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for caller in 0..<8 {
                        group.addTask {
                            while !isOver.value {
                                let failure = await client.failure { client in
                                    _ = try await client.text(caller.isMultiple(of: 2) ? .post : .get)
                                }
                                if let failure { failures.update { $0.append("\(failure)") } }
                            }
                        }
                    }
                    for _ in 0..<3 {
                        try await fleet.serving("b") {
                            try await client.ready(2)
                            let seen = client.snapshot().nodes.first { $0.id == "b" }?.requests ?? 0
                            try await eventually {
                                (client.snapshot().nodes.first { $0.id == "b" }?.requests ?? 0) > seen + 20
                            }
                        }
                    }
                    isOver.update { $0 = true }
                    try await group.waitForAll()
                }
            }
        }
        #expect(failures.value == [])
    }

    @Test func clientThatIsShutDownLetsCallsEnd() async throws {
        let (arrived, gate) = (Gate(), Gate())
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/who") { _ in
                arrived.open()
                try await gate.pass()
                return RouteResponse(text: "done")
            }
        }
        try await fleet.serving("a", routes: routes) {
            let client = try ServiceHTTPClient(to: "test", discoverer: fleet.registry)
            let run = Task { await client.run() }
            let call = Task { try await client.text() }
            try await arrived.pass()
            client.beginGracefulShutdown()
            try await eventually { client.snapshot().connectivity == .shutdown }
            gate.open()
            let text = try await call.value
            #expect(text == "done")
            await run.value
            let failure = await client.failure { _ = try await $0.send(.get, "/who") }
            #expect(failure?.message == "the channel to \"test\" is shut down")
        }
    }
}
