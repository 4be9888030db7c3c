import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitSampleAPI
import ServiceKitTestSupport
import ServiceKitTesting
import SwiftProtobuf
import Testing

/// The ports of an App: one for everything, or one of its own for HTTP.
@Suite(.timeLimit(.minutes(3)))
struct PortTests {
    private func serving(_ yaml: String, _ body: (App, MemoryRegistry) async throws -> Void) async throws {
        let registry = MemoryRegistry()
        let app = try App(
            configuration: Configuration(yaml: "app: {name: user-service}\nshutdown: {lame-duck: 0}\n" + yaml),
            plugins: [.http],
            registry: registry,
            logger: LogRecorder().logger(),
            environment: [:]
        )
        app.serve(TestUsers(), descriptors: userDescriptors)
        app.http.get("/who") { _ in RouteResponse(text: "here") }
        try await withRunning(app) { try await body(app, registry) }
    }

    private func port(_ scheme: String, _ app: App) throws -> Int {
        let endpoints = app.snapshot().servers.flatMap(\.endpoints)
        return try #require(endpoints.first { $0.scheme == scheme }).port
    }

    private func status(_ port: Int, _ head: String) async throws -> Int {
        let client = try RawClient(port: port)
        await client.send(head + "\r\nHost: x\r\n\r\n")
        return try await client.response().status
    }

    @Test func everythingIsOnOnePort() async throws {
        try await serving("server: {listen: '127.0.0.1:0'}") { app, registry in
            #expect(try port("grpc", app) == port("http", app))
            let instances = try await registry.instances(of: "user-service")
            #expect(instances.flatMap(\.endpoints).map(\.scheme) == ["grpc", "http"])
        }
    }

    @Test func addressOfAServerComesBeforeTheSharedOne() async throws {
        // Nothing listens at an address that does not exist.
        try await serving("server: {listen: '192.0.2.1:1', grpc: {listen: '127.0.0.1:0'}}") { app, _ in
            let status = try await status(port("http", app), "GET /who HTTP/1.1")
            #expect(status == 200)
        }
        await #expect(throws: (any Error).self) {
            try await serving("server: {listen: '192.0.2.1:1'}") { _, _ in }
        }
    }

    @Test func httpHasAPortOfItsOwn() async throws {
        try await serving("server: {http: {listen: '127.0.0.1:0'}}") { app, registry in
            let (grpc, http) = (try port("grpc", app), try port("http", app))
            #expect(grpc != http)
            #expect(app.snapshot().servers.map(\.name).sorted() == ["grpc", "http"])
            #expect(try await status(http, "GET /who HTTP/1.1") == 200)
            #expect(try await status(http, "GET /v1/users/1 HTTP/1.1") == 200)
            #expect(try await status(http, "GET /readyz HTTP/1.1") == 200)
            // No gRPC there, and no HTTP/1.1 on the port of gRPC.
            let instances = try await registry.instances(of: "user-service")
            #expect(instances.flatMap(\.endpoints).map(\.port).sorted() == [grpc, http].sorted())
            let client = try RawClient(port: grpc)
            await client.send("GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
            await #expect(throws: (any Error).self) { try await client.response() }
            let channel = try ServiceChannel(to: "user-service", discoverer: registry)
            try await channel.withConnections {
                let users = User_V1_UserService.Client(wrapping: channel.client)
                let user = try await users.getUser(.with { $0.id = 1 })
                #expect(user.name == "Ada")
            }
            let other = MemoryRegistry()
            let wrong = ServiceInstance(
                id: "a", name: "user-service", endpoints: [Endpoint(scheme: "grpc", host: "127.0.0.1", port: http)])
            let registration = try await other.registered(wrong)
            let misled = try ServiceChannel(to: "user-service", discoverer: other)
            try await misled.withConnections {
                let users = User_V1_UserService.Client(wrapping: misled.client)
                let request = User_V1_GetUserRequest.with { $0.id = 1 }
                await #expect(throws: RPCError.self) { _ = try await users.getUser(request) }
            }
            try await registration.deregister()
        }
    }

    @Test func limitsHoldForBothPorts() async throws {
        let yaml = "server: {http: {listen: '127.0.0.1:0'}, rate-limit: {per-second: 0.01, burst: 1}}"
        try await serving(yaml) { app, registry in
            let http = try port("http", app)
            let status = try await status(http, "GET /v1/users/1 HTTP/1.1")
            #expect(status == 200)
            let channel = try ServiceChannel(to: "user-service", discoverer: registry)
            try await channel.withConnections {
                let users = User_V1_UserService.Client(wrapping: channel.client)
                let request = User_V1_GetUserRequest.with { $0.id = 1 }
                let error = await #expect(throws: RPCError.self) {
                    for _ in 0..<100 { _ = try await users.getUser(request) }
                }
                #expect(error?.code == .resourceExhausted)
            }
        }
    }
}
