import Foundation
import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTesting
import ServiceLifecycle
import SwiftProtobuf
import Testing

/// The examples of the guide.
@Suite(.timeLimit(.minutes(1)))
struct GuideTests {
    struct RequireTenant: Middleware {
        func beginServing(_ call: inout Call) throws {
            guard call.metadata["x-md-tenant"] != nil else {
                throw ServiceError(.badRequest, reason: "TENANT_MISSING", message: "send x-md-tenant")
            }
            call.responseMetadata["x-checked"] = "tenant"
        }
    }

    @Test func examplesOfTheGuideWork() async throws {
        let directory = NSTemporaryDirectory() + "servicekit-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let configuration = try Configuration(
            yaml: """
                app: {name: user-service}
                registry: {backend: file, file: {directory: \(directory)}}
                shutdown: {lame-duck: 0}
                log: {level: critical}
                """
        )
        let app = try App(configuration: configuration, environment: [:])
        app.serve(UserProvider())
        app.use(RequireTenant(), for: .prefix("/user.v1.UserService/"))
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [app], logger: app.logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            _ = await app.health.first { $0 == .serving }
            try await call(configuration)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func call(_ configuration: Configuration) async throws {
        let channel = try ServiceChannel(to: "discovery:///user-service", configuration: configuration)
        try await channel.withConnections {
            let users = User_V1_UserService.Stub(channel)
            let user = try await withOutgoingMetadata(["x-md-tenant": "acme"]) {
                try await users.getUser(.with { $0.id = 2 })
            }
            #expect(user.id == 2)
            do {
                _ = try await users.getUser(.with { $0.id = 2 })
                Issue.record("it was served")
            } catch let error as RPCError {
                #expect(error.serviceError.reason == "TENANT_MISSING")
            }
            do {
                _ = try await users.getUser(.with { $0.id = 9 }, metadata: ["x-md-tenant": "acme"])
                Issue.record("there is a user 9")
            } catch let error as RPCError {
                #expect("\(error.serviceError)" == "404 USER_NOT_FOUND: there is no user 9")
            }
        }
    }

    @Test func aServiceIsTestedThroughItsClient() async throws {
        let configuration = try Configuration(
            yaml: """
                app: {name: user-service}
                registry: {backend: memory}
                client: {settle-timeout: 30s}
                shutdown: {lame-duck: 0}
                log: {level: error}
                """
        )
        let app = try App(configuration: configuration, environment: [:])
        app.serve(UserProvider(), descriptors: userDescriptors)
        let users = User_V1_UserService.Stub(try app.channel("user-service"))
        try await withRunning(app) {
            let user = try await users.getUser(.with { $0.id = 2 })
            #expect(user.id == 2)
            let error = await #expect(throws: RPCError.self) { try await users.getUser(.with { $0.id = 9 }) }
            #expect(error?.serviceError.reason == "USER_NOT_FOUND")
        }
    }

    // Compiled, and not run.

    private struct UserServer {
        static func main() async {
            await App.run { app in
                app.serve(UserProvider())
            }
        }
    }

    private func callOutsideOfAnApp() async throws {
        let configuration = try Configuration.load(files: ["config/config.yaml"])
        let channel = try ServiceChannel(to: "discovery:///user-service", configuration: configuration)
        try await channel.withConnections {
            let users = User_V1_UserService.Stub(channel)
            let user = try await users.getUser(.with { $0.id = 1 })
            print(user.name)
        }
    }

    private func callInAnApp(_ app: App) async throws {
        let users = User_V1_UserService.Stub(try app.channel("user-service"))
        let user = try await users.getUser(.with { $0.id = 7 })
        _ = user
    }

    private func callDirectly(_ app: App) async throws {
        let users = User_V1_UserService.Stub(try app.channel("user-service"))

        let user = try await users.getUser(.with { $0.id = 1 })

        for try await user in users.listUsers(.init()) { print(user.name) }
        _ = user
    }

    private func readMetadata(_ users: User_V1_UserService.Stub, _ request: User_V1_GetUserRequest) async throws {
        let version = try await users.getUser(request) { response in
            response.metadata[stringValues: "x-version"].first { _ in true }
        }
        _ = version
    }

    private func callThroughGRPCCore(_ channel: ServiceChannel) {
        let users = User_V1_UserService.Client(wrapping: channel.client)
        _ = users
    }

    private func serveWithDescriptors(_ app: App) {
        app.serve(UserProvider(), descriptors: userDescriptors)
    }

    private func catchAnError(_ users: User_V1_UserService.Stub) async throws {
        do {
            _ = try await users.getUser(.with { $0.id = 9 })
        } catch let error as RPCError {
            let failure = error.serviceError
            _ = failure
        }
    }

    private func throwAnError() throws {
        throw User_V1_UserError.userNotFound("there is no user 9")
    }

    private func knowAnError(_ users: User_V1_UserService.Stub) async throws {
        do {
            _ = try await users.getUser(.with { $0.id = 9 })
        } catch where User_V1_UserError.isUserNotFound(error) {
            print("there is none")
        }
    }

    private func readViolations(_ error: RPCError) {
        for violation in error.serviceError.violations { print(violation.field, violation.description) }
    }
}

/// In place of the message of the sample: its conformance would hold for all tests of the package.
private struct User_V1_ListUsersRequest {
    var limit: Int32
}

extension User_V1_ListUsersRequest: ValidatableMessage {
    func violations() -> [ServiceError.FieldViolation] {
        limit >= 0 ? [] : [ServiceError.FieldViolation(field: "limit", description: "must not be negative")]
    }
}
