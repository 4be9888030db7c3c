import Foundation
import ServiceKit
import ServiceKitProtobuf
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// `kit routes` and `kit openapi` on the running sample service, and the calls that they tell of.
@Suite(.timeLimit(.minutes(3))) struct KitRoutesTests {
    private static let table = """
        METHOD  PATH             OPERATION
        POST    /v1/users        user.v1.UserService/CreateUser
        GET     /v1/users/{id}   user.v1.UserService/GetUser
        GET     /v1/users        user.v1.UserService/ListUsers
        GET     /v1/users:watch  user.v1.UserService/WatchUsers

        """

    private func kit(_ arguments: String...) async throws -> String {
        let result = try await RunningProgram.run(Executable.kit, arguments)
        #expect(result.exit == .exited(0), "\(result.errors)")
        return result.output
    }

    @Test func routesComeFromTheRunningService() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            let settings = fleet.settings.flatMap { ["--set", $0] }
            let named = try await RunningProgram.run(Executable.kit, ["routes", "user-service"] + settings)
            #expect(named.output == Self.table, "\(named.errors)")
            let endpoint = try #require(fleet.instances.value["user-1"]?.endpoints.first { $0.scheme == "grpc" })
            #expect(try await kit("routes", "--address", endpoint.authority) == Self.table)

            // The document of kit is the served one; with a title of its own it is made anew.
            let url = "http://\(endpoint.authority)"
            let served = try JSONParser.parse(try await curl("\(url)/openapi.json"))
            #expect(try JSONParser.parse(try await kit("openapi", "--address", endpoint.authority)) == served)
            let titled = try await kit("openapi", "--address", endpoint.authority, "--title", "Users")
            #expect(try paths(titled) == paths(served.text))
            #expect(
                try await curl("\(url)/v1/users/1") == #"{"id":"1","name":"Ada","email":"ada@example.com"}"#)
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
        }
    }

    private func curl(_ url: String) async throws -> String {
        let path = try #require(RunningProgram.path(of: "curl"))
        return try await RunningProgram.run(path, ["--silent", "--show-error", "--max-time", "20", url]).output
    }

    private func paths(_ document: String) throws -> [String] {
        let json = try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any]
        return try #require(json?["paths"] as? [String: Any]).keys.sorted()
    }
}
