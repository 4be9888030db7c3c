import GRPCCore
import GRPCInProcessTransport
import ServiceKit
import ServiceKitConfig
import Testing

@testable import ServiceKitGRPC

/// The services of an App on a transport of another package.
@Suite(.timeLimit(.minutes(1)))
struct OtherTransportTests {
    @Test func servicesOfAnAppAreServedOverAnyTransport() async throws {
        let configuration = try Configuration(yaml: "app: {name: test}")
        let app = try App(configuration: configuration, registry: MemoryRegistry(), environment: [:])
        app.serve(TestService(id: "a"))
        let transport = InProcessTransport()
        var router = RPCRouter<InProcessTransport.Server>()
        for service in app.grpcServices { service.register(with: &router) }
        let server = GRPCServer(transport: transport.server, router: router)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            let answer = try await withGRPCClient(transport: transport.client) { client in
                try await client.unary(
                    request: ClientRequest(message: []),
                    descriptor: .test("Name"),
                    serializer: Bytes(),
                    deserializer: Bytes(),
                    options: .defaults
                ) { try $0.message }
            }
            #expect(answer == Array("a".utf8))
            server.beginGracefulShutdown()
            try await group.waitForAll()
        }
    }

    @Test func appWithoutServicesHasNoHandlers() throws {
        let app = try App(configuration: Configuration(), registry: MemoryRegistry(), environment: [:])
        #expect(app.grpcServices.isEmpty)
    }
}
