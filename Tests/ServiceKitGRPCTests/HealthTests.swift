import GRPCCore
import GRPCNghttp2Transport
import ServiceKit
import ServiceKitConfig
import ServiceKitSampleAPI
import ServiceKitTesting
import SwiftProtobuf
import Testing

@testable import ServiceKitGRPC

/// `grpc.health.v1.Health` of an App's server.
@Suite(.timeLimit(.minutes(1)))
struct HealthTests {
    private typealias Client = Grpc_Health_V1_Health.Client<ServiceChannel>
    private typealias ServingStatus = Grpc_Health_V1_HealthCheckResponse.ServingStatus

    private let registry = MemoryRegistry()
    private let log = LogRecorder()

    private func app(_ yaml: String = "") throws -> App {
        let app = try App(
            configuration: Configuration(
                yaml: "app: {name: user-service}\nshutdown: {lame-duck: 0, drain-timeout: 10m}\n" + yaml),
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
        app.serve(UserProvider())
        return app
    }

    private func withClient(_ body: (Client) async throws -> Void) async throws {
        let channel = try ServiceChannel(to: "user-service", discoverer: registry)
        try await withGRPCClient(transport: channel) { try await body(Client(wrapping: $0)) }
    }

    @Test func servingServerIsServing() async throws {
        try await serving(app(), log: log) {
            try await withClient { client in
                for service in ["", "user.v1.UserService", "grpc.health.v1.Health"] {
                    #expect(try await client.check(.with { $0.service = service }).status == .serving)
                }
                let all = try await client.list(.init()).statuses
                #expect(all[""]?.status == .serving)
                #expect(all["user.v1.UserService"]?.status == .serving)
            }
        }
    }

    /// Reflection tells the whole API: it needs a rule, as with an interceptor of grpc-go.
    @Test func healthNeedsNoRuleOfAuthorizationAndReflectionNeedsOne() async throws {
        let rules: [(String, RPCError.Code?)] = [
            ("[{methods: [/user.v1.UserService/], authenticated: true}]", .permissionDenied),
            ("[{methods: [/grpc.reflection.v1.ServerReflection/]}]", nil),
        ]
        for (rules, code) in rules {
            try await serving(app("server: {authorization: {rules: \(rules)}}"), log: log) {
                let channel = try ServiceChannel(to: "user-service", discoverer: registry)
                try await withGRPCClient(transport: channel) { grpc in
                    let status = try await Client(wrapping: grpc).check(.init()).status
                    #expect(status == .serving)
                    let users = User_V1_UserService.Client(wrapping: grpc)
                    let denied = await #expect(throws: RPCError.self) { try await users.getUser(.init()) }
                    #expect(denied?.code == .permissionDenied)
                    let reflection = Grpc_Reflection_V1_ServerReflection.Client(wrapping: grpc)
                    let request = StreamingClientRequest<Grpc_Reflection_V1_ServerReflectionRequest> { writer in
                        try await writer.write(.with { $0.listServices = "" })
                    }
                    var found: RPCError.Code?
                    do {
                        try await reflection.serverReflectionInfo(request: request) { response in
                            for try await _ in response.messages {}
                        }
                    } catch let error as RPCError {
                        found = error.code
                    }
                    #expect(found == code)
                }
            }
        }
    }

    @Test func unknownServiceIsNotFound() async throws {
        try await serving(app(), log: log) {
            try await withClient { client in
                let error = await #expect(throws: RPCError.self) {
                    try await client.check(.with { $0.service = "other" })
                }
                #expect(error?.code == .notFound)
                let first = try await client.watch(.with { $0.service = "other" }) { response in
                    try await response.messages.first { _ in true }
                }
                #expect(first?.status == .serviceUnknown)
            }
        }
    }

    /// The drain would last as long as the test's time limit.
    @Test func watchSeesTheStopAndEndsWithIt() async throws {
        let statuses = Watched<[ServingStatus]>([])
        let app = try app()
        try await withClient { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await serving(app, log: log) {
                    group.addTask {
                        try await client.watch(.init()) { response in
                            for try await message in response.messages { statuses.update { $0.append(message.status) } }
                        }
                    }
                    _ = await statuses.first { !$0.isEmpty }
                }
                try await group.waitForAll()
            }
        }
        #expect(statuses.value == [.serving, .notServing])
    }

    @Test func startingServerIsNotServing() async throws {
        let app = try app()
        let status = Watched<ServingStatus?>(nil)
        app.afterStart {
            // The server is registered and listens, but its start is not over.
            let channel = try ServiceChannel(to: "user-service", discoverer: registry)
            try await withGRPCClient(transport: channel) { client in
                status.set(try await Client(wrapping: client).check(.init()).status)
            }
        }
        try await serving(app, log: log) { #expect(status.value == .notServing) }
    }

    @Test func aWatchIsGivenUpWhenItsCallerLeaves() async throws {
        try await serving(app(), log: log) {
            try await withClient { client in
                for _ in 0..<HealthService.maxWatches + 10 {
                    let first = try await client.watch(.init()) { response in
                        try await response.messages.first { _ in true }
                    }
                    #expect(first?.status == .serving)
                }
            }
        }
    }

    @Test func healthRunsWithoutTheAppsMiddleware() async throws {
        let app = try app()
        app.use(Begin { _ in throw ServiceError(.forbidden, reason: "NO", message: "no") })
        try await serving(app, log: log) {
            try await withClient { client in
                let status = try await client.check(.init()).status
                #expect(status == .serving)
            }
        }
    }

    @Test func healthCanBeTurnedOff() async throws {
        try await serving(app("server: {grpc: {health: false}}"), log: log) {
            try await withClient { client in
                let error = await #expect(throws: RPCError.self) { try await client.check(.init()) }
                #expect(error?.code == .unimplemented)
            }
        }
    }
}
