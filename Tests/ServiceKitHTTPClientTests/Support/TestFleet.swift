import HTTPTypes
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitHTTPClient
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Instances of the service `test` in one registry, each an App with routes of the test.
struct TestFleet: Sendable {
    let registry = MemoryRegistry()
    let log = LogRecorder()

    typealias Routes = @Sendable (_ app: App, _ id: String) -> Void

    /// Each instance tells its id.
    static let who: Routes = { app, id in
        app.http.get("/who") { _ in RouteResponse(text: id) }
        app.http.post("/who") { _ in RouteResponse(text: id) }
    }

    /// Runs instances, and the body while they serve.
    nonisolated(nonsending) func serving(
        _ ids: String..., yaml: String = "", routes: @escaping Routes = Self.who, _ body: () async throws -> Void
    ) async throws {
        try await serving(ids[...], yaml, routes, body)
    }

    private nonisolated(nonsending) func serving(
        _ ids: ArraySlice<String>, _ yaml: String, _ routes: Routes, _ body: () async throws -> Void
    ) async throws {
        guard let id = ids.first else { return try await body() }
        let app = try App(
            configuration: Configuration(
                yaml: "app: {name: test, id: \(id)}\nshutdown: {lame-duck: 50ms}\n" + yaml),
            plugins: [.http],
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
        routes(app, id)
        try await withRunning(app) { try await serving(ids.dropFirst(), yaml, routes, body) }
    }

    /// Registers an instance whose connections are refused.
    nonisolated(nonsending) func withDeadInstance(_ id: String, _ body: () async throws -> Void) async throws {
        // The port is held, so that it is no other server's.
        let (socket, port) = try RawSocket.reserve()
        defer { socket.close() }
        let endpoint = Endpoint(scheme: "http", host: "127.0.0.1", port: port)
        let instance = ServiceInstance(id: id, name: "test", endpoints: [endpoint])
        let registration = try await registry.registered(instance)
        try await body()
        try await registration.deregister()
    }

    /// Runs a client of the fleet, and the body while it does.
    nonisolated(nonsending) func calling(
        _ options: ChannelOptions = .roundRobin,
        middleware: [any Middleware] = [],
        _ body: (ServiceHTTPClient) async throws -> Void
    ) async throws {
        let client = try ServiceHTTPClient(
            to: "test", discoverer: registry, options: options, middleware: middleware, logger: log.logger())
        try await client.withConnections { try await body(client) }
    }
}

extension ChannelOptions {
    static var roundRobin: ChannelOptions { with { _ in } }

    static func with(_ change: (inout ChannelOptions) -> Void) -> ChannelOptions {
        var options = ChannelOptions()
        options.balancer = "round_robin"
        options.settleTimeout = .milliseconds(200)
        change(&options)
        return options
    }
}

extension ServiceHTTPClient {
    func text(_ method: HTTPRequest.Method = .get, _ path: String = "/who") async throws -> String {
        let response = try await send(method, path).requireSuccess()
        return String(decoding: try await response.body.collect(upTo: 1_000_000), as: UTF8.self)
    }

    /// Expects an answer.
    func expect(
        _ answer: String,
        _ method: HTTPRequest.Method = .get,
        _ path: String = "/who",
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) async throws {
        let text = try await text(method, path)
        #expect(text == answer, sourceLocation: sourceLocation)
    }

    /// Waits until calls could go to this many instances.
    func ready(_ count: Int) async throws {
        try await eventually { snapshot().nodes.filter(\.isEligible).count == count }
    }

    /// The error of a body.
    func failure(_ body: (ServiceHTTPClient) async throws -> Void) async -> ServiceError? {
        do {
            try await body(self)
        } catch {
            return error as? ServiceError
        }
        return nil
    }
}

/// Middleware that notes the beginning and the end of calls.
struct NotingMiddleware: Middleware {
    let begun = Shared<[Call]>([])
    let ended = Shared<[CallResult]>([])

    func begin(_ call: inout Call) async throws {
        call.metadata["x-noted"] = "yes"
        begun.update { [call] in $0.append(call) }
        call.onEnd { [ended] _, result in ended.update { [result] in $0.append(result) } }
    }
}
