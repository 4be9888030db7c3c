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

/// An App that serves users over gRPC and HTTP.
struct HTTPTestServer: Sendable {
    let port: Int
    let registry: MemoryRegistry
    let log: LogRecorder
    let users: TestUsers

    /// Runs an App, and the body while it serves.
    ///
    /// - Parameters:
    ///   - yaml: More configuration.
    ///   - descriptors: The descriptors of the service.
    ///   - drainTimeout: How long requests may take to end when the App stops.
    ///   - plugins: The plugins of the App.
    ///   - extend: Adds to the App.
    ///   - body: The test.
    static func with(
        _ yaml: String = "",
        descriptors: String = userDescriptors,
        drainTimeout: String = "10m",
        plugins: [Plugin] = [.http],
        extend: (App) -> Void = { _ in },
        _ body: (HTTPTestServer) async throws -> Void
    ) async throws {
        let registry = MemoryRegistry()
        let log = LogRecorder()
        let users = TestUsers()
        let app = try App(
            configuration: Configuration(
                yaml: "app: {name: user-service}\nshutdown: {lame-duck: 0, drain-timeout: \(drainTimeout)}\n" + yaml),
            plugins: plugins,
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
        app.serve(users, descriptors: descriptors)
        extend(app)
        try await withRunning(app) {
            let endpoints = app.snapshot().servers.flatMap(\.endpoints)
            let port = try #require(endpoints.first { $0.scheme.hasPrefix("http") }).port
            try await body(HTTPTestServer(port: port, registry: registry, log: log, users: users))
        }
    }

    func client() throws -> RawClient { try RawClient(port: port) }

    /// Answers one request of HTTP/1.1 on a connection of its own.
    func post(
        _ method: String,
        _ type: String,
        _ body: [UInt8],
        _ fields: [String] = []
    ) async throws -> RawClient.Response {
        let client = try client()
        let head =
            ["POST /user.v1.UserService/\(method) HTTP/1.1", "Host: x", "Content-Type: \(type)"]
            + ["Content-Length: \(body.count)"] + fields
        await client.send(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
        return try await client.response()
    }

    func post(_ method: String, json: String, _ fields: [String] = []) async throws -> RawClient.Response {
        try await post(method, "application/json", Array(json.utf8), fields)
    }
}

/// Users 1 to 3, and methods that wait for the test.
final class TestUsers: User_V1_UserService.SimpleServiceProtocol {
    /// The calls of `WatchUsers` that run, and those that were cancelled.
    let running = Shared(0)
    let cancelled = Shared(0)
    /// The names of users that were created.
    let created = Shared<[String]>([])

    func createUser(request: User_V1_CreateUserRequest, context: ServerContext) async throws -> User_V1_User {
        created.update { $0.append(request.name) }
        return User_V1_User.with { $0.name = request.name }
    }

    func getUser(request: User_V1_GetUserRequest, context: ServerContext) async throws -> User_V1_User {
        guard (1...3).contains(request.id) else {
            throw ServiceError(
                .notFound, reason: "USER_NOT_FOUND", message: "there is no user \(request.id)",
                metadata: ["id": "\(request.id)"])
        }
        return User_V1_User.with {
            $0.id = request.id
            $0.name = "Ada"
        }
    }

    func listUsers(
        request: User_V1_ListUsersRequest, response: RPCWriter<User_V1_User>, context: ServerContext
    ) async throws {
        for id in 1...3 { try await response.write(.with { $0.id = Int64(id) }) }
        if request.limit == 99 { throw ServiceError(.badRequest, reason: "BAD_LIMIT", message: "the limit is odd") }
    }

    /// Sends one event, and waits until the call is cancelled.
    func watchUsers(
        request: User_V1_WatchUsersRequest, response: RPCWriter<User_V1_UserEvent>, context: ServerContext
    ) async throws {
        running.update { $0 += 1 }
        defer { running.update { $0 -= 1 } }
        try await response.write(.with { $0.created.id = 1 })
        do {
            try await Task.sleep(for: .seconds(600))
        } catch {
            cancelled.update { $0 += 1 }
            throw error
        }
    }
}
