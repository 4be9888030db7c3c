import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitProtobuf
import ServiceKitSampleAPI
import ServiceKitTesting
import SwiftProtobuf
import Testing

@testable import ServiceKitGRPC

/// `grpc.reflection.v1.ServerReflection` of an App's server.
@Suite(.timeLimit(.minutes(1)))
struct ReflectionTests {
    private typealias Client = Grpc_Reflection_V1_ServerReflection.Client<ServiceChannel>
    private typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
    private typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

    private let registry = MemoryRegistry()
    private let log = LogRecorder()

    private func app(_ yaml: String = "", descriptors: String = userDescriptors) throws -> App {
        let app = try App(
            configuration: Configuration(
                yaml: "app: {name: user-service}\nshutdown: {lame-duck: 0, drain-timeout: 10m}\n" + yaml),
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
        app.serve(UserProvider(), descriptors: descriptors)
        return app
    }

    private func ask(_ requests: Request...) async throws -> [Response] {
        let channel = try ServiceChannel(to: "user-service", discoverer: registry)
        return try await withGRPCClient(transport: channel) { client in
            let request = StreamingClientRequest<Request> { writer in
                for request in requests { try await writer.write(request) }
            }
            return try await Client(wrapping: client).serverReflectionInfo(request: request) { response in
                try await response.messages.reduce(into: []) { $0.append($1) }
            }
        }
    }

    private func files(_ response: Response) throws -> [String] {
        guard case .fileDescriptorResponse(let files)? = response.messageResponse else { return [] }
        return try files.fileDescriptorProto.map { try Google_Protobuf_FileDescriptorProto(serializedBytes: $0).name }
    }

    @Test func servicesAndTheirFilesAreListed() async throws {
        try await serving(app(), log: log) {
            let responses = try await ask(
                .with { $0.listServices = "" },
                .with { $0.fileContainingSymbol = "user.v1.UserService" },
                .with { $0.fileContainingSymbol = "user.v1.UserService.GetUser" },
                .with { $0.fileContainingSymbol = "grpc.health.v1.Health" },
                .with { $0.fileContainingSymbol = "grpc.reflection.v1alpha.ServerReflection" },
                .with { $0.fileByFilename = "user.proto" }
            )
            #expect(
                responses[0].listServicesResponse.service.map(\.name) == [
                    "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection", "user.v1.UserService",
                ]
            )
            #expect(
                try responses.dropFirst().map(files) == [
                    ["user.proto"], ["user.proto"], ["grpc/health/v1/health.proto"],
                    ["grpc/reflection/v1alpha/reflection.proto"], ["user.proto"],
                ]
            )
            #expect(responses[1].originalRequest.fileContainingSymbol == "user.v1.UserService")
        }
    }

    @Test func unknownSymbolGetsANotFoundAnswer() async throws {
        try await serving(app(), log: log) {
            let responses = try await ask(
                .with { $0.fileContainingSymbol = "user.v1.Nobody" },
                .with { $0.fileByFilename = "nothing.proto" },
                .with { $0.fileContainingExtension = .with { ($0.containingType, $0.extensionNumber) = ("a.B", 7) } },
                .with { $0.allExtensionNumbersOfType = "a.B" },
                .with { $0.allExtensionNumbersOfType = "user.v1.User" },
                .init()
            )
            #expect(responses.map(\.errorResponse.errorCode) == [5, 5, 5, 5, 0, 3])
            #expect(responses[0].errorResponse.errorMessage == "no symbol \"user.v1.Nobody\"")
            #expect(responses[4].allExtensionNumbersResponse.baseTypeName == "user.v1.User")
        }
    }

    @Test func importsAreSentOnce() {
        let files = ["a": ["b", "c"], "b": ["c"], "c": [], "d": ["c"]].map { name, imports in
            Google_Protobuf_FileDescriptorProto.with {
                $0.name = name
                $0.dependency = imports
            }
        }
        guard let pool = try? DescriptorPool(files) else {
            Issue.record("no pool")
            return
        }
        var reflection = Reflection(services: [], pool: pool)
        var answers: [[String]] = []
        for name in ["a", "d", "a"] {
            answers.append((try? self.files(reflection.response(to: .with { $0.fileByFilename = name }))) ?? [])
        }
        #expect(answers == [["a", "c", "b"], ["d"], ["a"]])
    }

    @Test func aServiceWithoutDescriptorsIsListed() async throws {
        let app = try app()
        app.serve(TestService(id: "a"))
        try await serving(app, log: log) {
            let responses = try await ask(
                .with { $0.listServices = "" },
                .with { $0.fileContainingSymbol = "test.Service" }
            )
            #expect(responses[0].listServicesResponse.service.map(\.name).contains("test.Service"))
            #expect(responses[1].errorResponse.errorCode == 5)
        }
    }

    /// The drain would last as long as the test's time limit.
    @Test func reflectionStreamEndsWithTheServer() async throws {
        let hasAnswer = Watched(false)
        let app = try app()
        let channel = try ServiceChannel(to: "user-service", discoverer: registry)
        try await withGRPCClient(transport: channel) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await serving(app, log: log) {
                    group.addTask {
                        let request = StreamingClientRequest<Request> { writer in
                            try await writer.write(.with { $0.listServices = "" })
                            _ = await app.health.first { $0 == .stopped }
                        }
                        try await Client(wrapping: client).serverReflectionInfo(request: request) { response in
                            for try await _ in response.messages { hasAnswer.set(true) }
                        }
                    }
                    _ = await hasAnswer.first(where: \.self)
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: [
        ("127.0.0.1:0", nil, true), ("[::1]:0", nil, true), ("localhost:0", nil, true), ("unix:/a", nil, true),
        ("0.0.0.0:0", nil, false), ("[::]:0", nil, false), ("10.0.0.7:9000", nil, false), (":0", nil, false),
        ("0.0.0.0:0", true, true), ("127.0.0.1:0", false, false),
    ])
    func reflectionIsOnByDefaultOnLoopbackOnly(listen: String, reflection: Bool?, isServed: Bool) throws {
        var options = GRPCServerOptions()
        options.reflection = reflection
        let address = try #require(ListenAddress(listen))
        #expect(options.servesReflection(at: address) == isServed)
    }

    @Test func reflectionCanBeTurnedOff() async throws {
        try await serving(app("server: {grpc: {reflection: false}}"), log: log) {
            let error = await #expect(throws: RPCError.self) { try await ask(.with { $0.listServices = "" }) }
            #expect(error?.code == .unimplemented)
        }
    }

    @Test func malformedDescriptorsEndTheStart() async throws {
        let app = try app(descriptors: "AQID")
        let error = await #expect(throws: AppError.self) { try await app.run() }
        #expect(error?.message.contains("generate them again") == true)
    }
}

/// The same with gRPC for Python as the client.
@Suite(.enabled(if: PythonClient.interpreter != nil), .timeLimit(.minutes(1)))
struct ProtocolInteropTests {
    @Test func pythonClientReadsTheReflection() async throws {
        let registry = MemoryRegistry()
        let log = LogRecorder()
        let app = try App(
            configuration: Configuration(yaml: "app: {name: user-service}\nshutdown: {lame-duck: 0}"),
            registry: registry,
            logger: log.logger(),
            environment: [:]
        )
        app.serve(UserProvider(), descriptors: userDescriptors)
        try await serving(app, log: log) {
            let endpoint = try #require(
                try await registry.instances(of: "user-service").first { _ in true }?.endpoints.first)
            let output = try await PythonClient.run("protocols.py", "\(endpoint.port)")
            #expect(
                output == """
                    check  SERVING
                    check user.v1.UserService SERVING
                    check other NOT_FOUND
                    watch other SERVICE_UNKNOWN
                    services grpc.health.v1.Health grpc.reflection.v1.ServerReflection \
                    grpc.reflection.v1alpha.ServerReflection user.v1.UserService
                    grpc.health.v1.Health Check List Watch
                    grpc.reflection.v1.ServerReflection ServerReflectionInfo
                    grpc.reflection.v1alpha.ServerReflection ServerReflectionInfo
                    user.v1.UserService CreateUser GetUser ListUsers WatchUsers
                    user {"id": "2"}

                    """
            )
        }
    }
}
