import GRPCCore
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitSampleAPI
import ServiceKitTestSupport
import ServiceKitTesting
import SwiftProtobuf
import Testing

@testable import ServiceKitGRPC

/// Apps that serve and call over gRPC.
@Suite(.timeLimit(.minutes(1)))
struct AppTests {
    private let registry = MemoryRegistry()
    private let log = LogRecorder()

    private func app(_ yaml: String = "", name: String = "user-service") throws -> App {
        try App(
            configuration: Configuration(yaml: "app: {name: \(name)}\nshutdown: {lame-duck: 0}\n" + yaml),
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
    }

    private func serving(_ app: App, _ body: () async throws -> Void) async throws {
        try await ServiceKitGRPCTests.serving(app, log: log, body)
    }

    @Test func appCallsAnotherApp() async throws {
        let server = try app()
        server.serve(UserProvider())
        let client = try app(name: "web")
        let users = User_V1_UserService.Client(wrapping: try client.channel("user-service").client)
        try await serving(server) {
            try await serving(client) {
                let user = try await users.getUser(.with { $0.id = 2 })
                #expect(user.id == 2)
                let all = try await users.listUsers(.init()) { response in
                    try await response.messages.reduce(into: []) { $0.append($1.id) }
                }
                #expect(all == [1, 2, 3])
                let error = await #expect(throws: RPCError.self) { try await users.getUser(.with { $0.id = 9 }) }
                let expected = ServiceError(
                    .notFound,
                    reason: "USER_NOT_FOUND",
                    message: "there is no user 9",
                    metadata: ["id": "9"]
                )
                #expect(error?.serviceError == expected)
            }
        }
    }

    /// The generated code of the sample.
    @Test func stubCallsDirectHandlers() async throws {
        let server = try app()
        server.serve(UserProvider(), descriptors: userDescriptors)
        let methods = server.grpcServices.flatMap { $0.methods.handlers.keys }
        #expect(Set(methods) == Set(User_V1_UserService.Method.descriptors))
        let client = try app(name: "web")
        let users = User_V1_UserService.Stub(try client.channel("user-service"))
        try await serving(server) {
            try await serving(client) {
                // Not within `#expect`: the compiler would give its closure the name of the next one.
                let user = try await users.getUser(.with { $0.id = 2 })
                #expect(user.id == 2)
                let id = try await users.getUser(.with { $0.id = 3 }) { try $0.message.id }
                #expect(id == 3)
                var ids: [Int64] = []
                for try await user in users.listUsers(.init()) { ids.append(user.id) }
                #expect(ids == [1, 2, 3])
                let all = try await users.listUsers(.init()) { response in
                    try await response.messages.reduce(into: []) { $0.append($1.id) }
                }
                #expect(all == ids)
                let error = await #expect(throws: RPCError.self) { try await users.getUser(.with { $0.id = 9 }) }
                #expect(User_V1_UserError.isUserNotFound(try #require(error)))
            }
        }
        let entry = log.entries.first {
            $0.message == "gRPC services" && $0.metadata["direct"] == ["user.v1.UserService"]
        }
        #expect(
            entry?.metadata["through-grpc-core"]
                == [
                    "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection",
                ]
        )
    }

    /// A client that takes a method for a streaming one, on both paths of the server.
    @Test(
        arguments: [User_V1_UserService.Method.GetUser.descriptor, User_V1_UserService.Method.ListUsers.descriptor],
        [false, true]
    )
    func methodWithOneRequestRefusesNoneAndSeveral(_ method: MethodDescriptor, isDirect: Bool) async throws {
        let server = try app()
        // The generated code has a function of the same name for the service, whose handlers are direct.
        let service: any RegistrableRPCService = UserProvider()
        if isDirect { server.serve(UserProvider()) } else { server.serve(service) }
        let client = try app(name: "web")
        let channel = try client.channel("user-service")
        try await serving(server) {
            try await serving(client) {
                for (count, message) in [(0, "Empty stream."), (2, "Too many messages.")] {
                    let error = await #expect(throws: RPCError.self) {
                        try await channel.bidirectionalStreaming(
                            method, serializer: Bytes(), deserializer: Bytes()
                        ) { writer in
                            // A message of Protobuf without fields.
                            for _ in 0..<count { try await writer.write([]) }
                        } onResponse: { response in
                            for try await _ in response.messages {}
                        }
                    }
                    #expect(error?.code == .internalError && error?.message == message)
                }
            }
        }
    }

    /// An App that calls itself as soon as it serves may not know yet that it is registered.
    private var patient: CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = true
        return options
    }

    @Test func appCallsItself() async throws {
        let app = try app()
        app.serve(UserProvider())
        let users = User_V1_UserService.Client(wrapping: try app.channel("user-service").client)
        try await serving(app) {
            let user = try await users.getUser(.with { $0.id = 3 }, options: patient)
            #expect(user.id == 3)
        }
    }

    @Test func channelRequestedAfterTheStartIsRefused() async throws {
        let app = try app()
        app.serve(UserProvider())
        let channel = try app.channel("user-service")
        try await serving(app) {
            let same = try app.channel("user-service")
            #expect(same === channel)
            let error = #expect(throws: AppError.self) { try app.channel("order-service") }
            #expect("\(error, default: "")".contains("ask for the channel to order-service before"))
        }
    }

    @Test func serviceAddedAfterTheStartIsLogged() async throws {
        let app = try app()
        app.serve(UserProvider())
        try await serving(app) {
            app.serve(TestService(id: "a"))
            #expect(log.entries.contains { $0.level == .error && $0.metadata["part"] == "gRPC service" })
        }
    }

    @Test func allServicesShareOneServer() async throws {
        let app = try app()
        app.serve(UserProvider())
        app.serve(TestService(id: "a"))
        try await serving(app) {
            let instances = Array(try await registry.instances(of: "user-service"))
            #expect(instances.first?.endpoints.count == 1)
            let channel = try ServiceChannel(to: "user-service", discoverer: registry)
            let client = TestClient(channel)
            #expect(try await client.text() == "a")
            await client.shutDown()
        }
    }

    @Test func channelsOfAServiceAreShared() throws {
        let app = try app()
        let client = try app.channel("user-service")
        #expect(try app.channel("user-service") === client)
        #expect(try app.channel("discovery:///user-service") === client)
        #expect(try app.channel("other-service") !== client)
    }

    @Test func addressInUseEndsTheStart() async throws {
        let first = try app()
        first.serve(UserProvider())
        try await serving(first) {
            let endpoint = try #require(
                try await registry.instances(of: "user-service").first { _ in true }?.endpoints.first)
            let second = try app("server: {grpc: {listen: \"\(endpoint.authority)\"}}", name: "second")
            second.serve(UserProvider())
            do {
                try await second.run()
                Issue.record("it ran")
            } catch {
                #expect("\(error)".contains("cannot listen on ipv4:\(endpoint.authority): Address already in use"))
            }
        }
    }

    @Test func typoInTheServerSectionEndsTheStart() async throws {
        let app = try app("server: {grpc: {lisen: x}}")
        app.serve(UserProvider())
        await #expect(throws: ConfigurationError.self) { try await app.run() }
    }

    @Test func callsAreLoggedOnBothSides() async throws {
        let app = try app()
        app.serve(UserProvider())
        let users = User_V1_UserService.Client(wrapping: try app.channel("user-service").client)
        try await serving(app) {
            _ = try await users.getUser(.with { $0.id = 3 }, options: patient)
            for side in ["server", "client"] {
                let entry = await log.first { $0.message == "call" && $0.metadata["side"] == .string(side) }
                #expect(entry?.metadata["operation"] == "/user.v1.UserService/GetUser")
                #expect(entry?.metadata["code"] == "200")
            }
        }
    }

    @Test func callInFlightEndsBeforeTheAppStops() async throws {
        let entered = Gate()
        let app = try app()
        app.serve(
            TestService(
                id: "a",
                [
                    "Slow": { [registry] _, _ in
                        entered.open()
                        // After deregistration the server is told to end.
                        _ = await registry.watch("user-service").first { $0.instances.isEmpty }
                        for _ in 0..<1000 { await Task.yield() }
                        return .text("slow")
                    }
                ]
            )
        )
        let client = TestClient(try ServiceChannel(to: "user-service", discoverer: registry))
        let call = Watched<Task<String, any Error>?>(nil)
        try await serving(app) {
            call.set(Task { try await client.text("Slow") })
            try await entered.pass()
        }
        #expect(try await call.value?.value == "slow")
        await client.shutDown()
    }
}
