import GRPCCore
import HTTPTypes
import ServiceKit
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitSampleAPI
import ServiceKitTestSupport
import ServiceKitTesting
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTPClient

/// Calls with protobuf messages, and the errors of services.
@Suite(.timeLimit(.minutes(3)))
struct MessageTests {
    private let fleet = TestFleet()

    private let users: TestFleet.Routes = { app, _ in
        app.serve(Users(), descriptors: userDescriptors)
        app.http.get("/nonsense") { _ in RouteResponse(text: "nonsense") }
        app.http.get("/newer") { _ in
            RouteResponse(text: #"{"id": "9", "fieldOfTomorrow": 1}"#, contentType: "application/json")
        }
        app.http.get("/teapot") { _ in RouteResponse(.init(code: 418), text: "short and stout") }
    }

    @Test(arguments: ["kratos", "google"])
    func messagesAndErrorsAreThoseOfTheService(_ errors: String) async throws {
        try await fleet.serving("a", yaml: "server: {http: {errors: \(errors)}}", routes: users) {
            try await fleet.calling { client in
                let user: User_V1_User = try await client.call(.get, "/v1/users/1")
                #expect(user.id == 1)
                let request = User_V1_CreateUserRequest.with { $0.name = "Grace" }
                let made: User_V1_User = try await client.call(.post, "/v1/users", request)
                #expect(made.name == "Grace")
                let failure = await client.failure {
                    _ = try await $0.call(.get, "/v1/users/99", as: User_V1_User.self)
                }
                #expect(failure?.code == .notFound)
                #expect(failure?.reason == "USER_NOT_FOUND")
                #expect(failure?.message == "there is no user 99")
                #expect(failure?.metadata == ["id": "99"])
            }
        }
    }

    @Test func answerThatIsNoMessageIsAnError() async throws {
        try await fleet.serving("a", routes: users) {
            try await fleet.calling { client in
                let failure = await client.failure {
                    _ = try await $0.call(.get, "/nonsense", as: User_V1_User.self)
                }
                #expect(failure?.reason == "UNREADABLE_RESPONSE")
                #expect(failure?.message.hasPrefix("the answer to GET /nonsense is no user.v1.User:") == true)
                // A service may be newer than its clients.
                let user: User_V1_User = try await client.call(.get, "/newer")
                #expect(user.id == 9)
            }
        }
    }

    private struct LoadReader: Middleware {
        let loads: Shared<[LoadReport?]>

        func begin(_ call: inout Call) async throws {
            call.onAttempt { attempt in
                attempt.onEnd { [loads] report in loads.update { $0.append(report.load) } }
            }
        }
    }

    /// The client asks for it; a caller that does not is told nothing.
    @Test func loadOfTheServerIsRead() async throws {
        let loads = Shared<[LoadReport?]>([])
        let yaml = "server: {load-reports: {enabled: true}}"
        try await fleet.serving("a", yaml: yaml, routes: users) {
            try await fleet.calling(middleware: [LoadReader(loads: loads)]) { client in
                let user: User_V1_User = try await client.call(.get, "/v1/users/1")
                #expect(user.id == 1)
                // Errors have it too.
                _ = await client.failure { _ = try await $0.call(.get, "/v1/users/99", as: User_V1_User.self) }
                try await eventually { loads.value.count == 2 }
                #expect(loads.value.allSatisfy { $0?.requestsInFlight != nil }, "\(loads.value)")
                let node = try #require(client.snapshot().nodes.first)
                let stranger = try ServiceHTTPClient(at: node.endpoint, options: ChannelOptions())
                try await stranger.withConnections {
                    let headers = try await stranger.send(.get, "/v1/users/1").headers
                    #expect(!headers.contains { $0.name.canonicalName.hasPrefix("endpoint-load") })
                }
            }
        }
    }

    @Test func errorWithoutAFormSaysWhatTheServerSaid() async throws {
        try await fleet.serving("a", routes: users) {
            try await fleet.calling { client in
                let failure = await client.failure {
                    try await $0.send(.get, "/teapot").requireSuccess()
                }
                #expect(failure?.code.rawValue == 418)
                #expect(failure?.message.hasSuffix(": short and stout") == true)
            }
        }
    }
}

private struct Users: User_V1_UserService.SimpleServiceProtocol {
    func createUser(request: User_V1_CreateUserRequest, context: ServerContext) async throws -> User_V1_User {
        .with { $0.name = request.name }
    }

    func getUser(request: User_V1_GetUserRequest, context: ServerContext) async throws -> User_V1_User {
        guard request.id < 10 else {
            throw ServiceError(
                .notFound, reason: "USER_NOT_FOUND", message: "there is no user \(request.id)",
                metadata: ["id": "\(request.id)"])
        }
        return .with { $0.id = request.id }
    }

    func listUsers(
        request: User_V1_ListUsersRequest, response: RPCWriter<User_V1_User>, context: ServerContext
    ) async throws {}

    func watchUsers(
        request: User_V1_WatchUsersRequest, response: RPCWriter<User_V1_UserEvent>, context: ServerContext
    ) async throws {}
}
