import HTTPTypes
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitHTTPClient
import ServiceKitSampleAPI
import ServiceKitTesting
import Testing

/// The examples of the page `ServiceKitHTTPClient`.
@Suite(.timeLimit(.minutes(3)))
struct GuideTests {
    private func main() async {
        await App.run(plugins: [.http]) { app in
            let users = try app.httpClient("user-service")
            app.http.get("/welcome/{id}") { request in
                let id = request.parameters["id"] ?? ""
                let user: User_V1_User = try await users.call(.get, "/v1/users/\(id)")
                return RouteResponse(text: "welcome, \(user.name)")
            }
        }
    }

    private func outsideOfAnApp(_ configuration: Configuration) async throws {
        let users = try ServiceHTTPClient(to: "discovery:///user-service", configuration: configuration)
        try await users.withConnections {
            let response = try await users.send(.get, "/v1/users/7", timeout: .seconds(2))
            try await response.requireSuccess()
            let body = try await response.body.collect(upTo: 64 * 1024)
            print(String(decoding: body, as: UTF8.self))
        }
    }

    @Test func aURLNeedsNoRegistry() async throws {
        let app = try App(
            configuration: Configuration(yaml: "registry: {backend: static}"), environment: [:])
        let rates = try app.httpClient("https://rates.example.com/v2")
        #expect(rates.snapshot().service == "rates.example.com")
    }

    private func named(_ users: ServiceHTTPClient) async throws -> User_V1_User {
        let user: User_V1_User = try await users.call(.get, "/v1/users/7", operation: "/user.v1.UserService/GetUser")
        return user
    }
}
