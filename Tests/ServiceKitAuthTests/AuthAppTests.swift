import GRPCCore
import Logging
import ServiceContextModule
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitAuth

/// Answers with the caller's name.
private struct Mirror: User_V1_UserService.SimpleServiceProtocol {
    private func caller() -> User_V1_User {
        var user = User_V1_User()
        user.name = ServiceContext.current?.identity?.subject ?? "nobody"
        return user
    }

    func createUser(request: User_V1_CreateUserRequest, context: ServerContext) async throws -> User_V1_User {
        caller()
    }
    func getUser(request: User_V1_GetUserRequest, context: ServerContext) async throws -> User_V1_User { caller() }
    func listUsers(
        request: User_V1_ListUsersRequest, response: RPCWriter<User_V1_User>, context: ServerContext
    ) async throws { try await response.write(caller()) }
    func watchUsers(
        request: User_V1_WatchUsersRequest, response: RPCWriter<User_V1_UserEvent>, context: ServerContext
    ) async throws {}
}

/// Apps that ask who calls, over real connections.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct AuthAppTests {
    private static let jwt = "jwt: {secret: \"\(Vectors.secret)\"}"

    private struct Client: Sendable {
        let channel: ServiceChannel

        func name(_ token: String? = nil) async throws -> String {
            let metadata: Metadata = token.map { ["authorization": .string("Bearer \($0)")] } ?? [:]
            switch CallPath.current {
            case .direct:
                return try await User_V1_UserService.Stub(channel).getUser(.init(), metadata: metadata).name
            case .grpcCore:
                return try await User_V1_UserService.Client(wrapping: channel.client)
                    .getUser(.init(), metadata: metadata).name
            }
        }

        func failure(_ token: String? = nil) async -> ServiceError? {
            do {
                _ = try await name(token)
                return nil
            } catch {
                return ServiceError(error)
            }
        }
    }

    /// Runs a server with a section `server`, and a client that has one of its own.
    private func serving(
        _ server: String, client: String = "",
        _ body: (Client, App) async throws -> Void
    ) async throws {
        let log = LogRecorder()
        let registry = MemoryRegistry()
        func app(_ name: String, _ yaml: String, _ plugins: [Plugin] = []) throws -> App {
            let yaml = "app: {name: \(name)}\nshutdown: {lame-duck: 0, drain-timeout: 0}\n" + yaml
            return try App(
                configuration: Configuration(yaml: yaml), plugins: plugins, registry: registry, logger: log.logger(),
                environment: [:])
        }
        let served = try app("user-service", server, [.auth])
        if CallPath.current == .direct {
            served.serve(Mirror(), descriptors: userDescriptors)
        } else {
            served.serve(Mirror(), descriptors: [userDescriptors]) { _ in }
        }
        let web = try app("web", client)
        let channel = try web.channel("user-service")
        try await run(served, log) { try await run(web, log) { try await body(Client(channel: channel), served) } }
    }

    private func run(_ app: App, _ log: LogRecorder, _ body: () async throws -> Void) async throws {
        let task = Task { try await app.run() }
        #expect(await app.health.first { $0 == .serving } != nil)
        defer { task.cancel() }
        try await body()
        task.cancel()
        _ = await task.result
    }

    @Test func handlerSeesWhoCalls() async throws {
        try await serving("server: {auth: {\(Self.jwt)}}") { client, _ in
            let token = try Vectors.tokens[.hs256].unwrapped
            let name = try await client.name(token)
            #expect(name == "alice")
            let refused = try #require(await client.failure())
            #expect(refused.code == .unauthenticated && refused.reason == "CREDENTIALS_MISSING")
            let malformed = await client.failure("a.b.c")
            #expect(malformed?.code == .unauthenticated && malformed?.reason == "TOKEN_INVALID")
        }
    }

    @Test func withoutTheSectionNobodyIsAsked() async throws {
        try await serving("") { client, app in
            let name = try await client.name("a.b.c")
            #expect(name == "nobody")
            #expect(app.serverMiddleware.isSynchronous)
        }
    }

    @Test func rateLimitKnowsCallersByTheirSubject() async throws {
        let yaml = "server: {auth: {\(Self.jwt)}, rate-limit: {per-second: 0.001, burst: 1, by: subject}}"
        let signer = try await Signer.hmac()
        try await serving(yaml) { client, _ in
            for subject in ["alice", "bob"] {
                let token = try signer.token(#"{"sub": "\#(subject)", "exp": 4000000000}"#)
                let name = try await client.name(token)
                #expect(name == subject)
                #expect(await client.failure(token)?.reason == "RATE_LIMITED")
            }
            // Who is not known is refused before that, and takes nobody's tokens.
            #expect(await client.failure()?.reason == "CREDENTIALS_MISSING")
        }
    }

    @Test func rulesDecideByWhoCalls() async throws {
        let rules = """
            [{methods: [/user.v1.UserService/GetUser], roles: [admin]}, {subjects: [bob], claims: {tenant: [acme]}}]
            """
        try await serving("server: {auth: {required: false, \(Self.jwt)}, authorization: {rules: \(rules)}}") {
            client, _ in
            let name = try await client.name(Vectors.tokens[.hs256].unwrapped)
            #expect(name == "alice")
            let signer = try await Signer.hmac()
            for (claims, isAllowed) in [
                (#""sub": "bob", "tenant": "acme""#, true), (#""sub": "bob", "tenant": "other""#, false),
                (#""sub": "eve", "tenant": "acme""#, false), (#""sub": "eve", "roles": ["reader"]"#, false),
            ] {
                let failure = await client.failure(try signer.token("{\"exp\": 4000000000, \(claims)}"))
                #expect(failure?.code == (isAllowed ? nil : .forbidden), "\(claims)")
            }
            let anonymous = await client.failure()
            #expect(anonymous?.code == .forbidden && anonymous?.reason == "PERMISSION_DENIED")
        }
    }

    @Test func certificateIsAProof() async throws {
        try await TestCertificates.with { files in
            let tls =
                "tls: {certificate: \(files.path("server.pem")), key: \(files.path("server.key")), "
                + "client-ca: \(files.path("authority.pem"))}"
            let own = "certificate: \(files.path("workload.pem")), key: \(files.path("workload.key"))"
            try await serving(
                "server: {grpc: {\(tls)}, auth: {mtls: {enabled: true}}}",
                client: "client: {tls: {ca: \(files.path("authority.pem")), \(own)}}"
            ) { client, _ in
                let name = try await client.name()
                #expect(name == "spiffe://example.org/billing")
            }
        }
    }

    @Test func startFailsWithoutTheKeysOfAFile() async throws {
        let app = try App(
            configuration: Configuration(
                yaml: "app: {name: a}\nserver: {auth: {jwt: {jwks: {file: /nowhere/jwks.json}}}}"),
            plugins: [.auth], registry: MemoryRegistry(), logger: LogRecorder().logger(), environment: [:])
        app.serve(Mirror(), descriptors: userDescriptors)
        await #expect { try await app.run() } throws: { "\($0)".contains("/nowhere/jwks.json") }
    }
}

/// Names in certificates.
@Suite struct CertificateIdentityTests {
    @Test func nameIsTheFirstThatIsThere() async throws {
        try await TestCertificates.with { files in
            let workload = try files.der("workload.pem")
            let plain = try files.der("client.pem")
            var options = CertificateOptions()
            func name(_ certificate: [UInt8]) -> String? {
                try? CertificateIdentity(options).identity(of: certificate).subject
            }
            #expect(name(workload) == "spiffe://example.org/billing")
            #expect(name(plain) == "client.example")
            options.names = [.dns, .spiffe]
            #expect(name(workload) == "billing.example")
            options.names = [.subject]
            #expect(name(plain) == "CN=client")
            options.names = [.spiffe]
            #expect(name(plain) == nil)
            options.trustDomains = ["other.org"]
            #expect(name(workload) == nil)
            options.trustDomains = ["example.org"]
            #expect(name(workload) == "spiffe://example.org/billing")
            #expect(name([1, 2, 3]) == nil && name([]) == nil)
        }
    }
}
