import GRPCCore
import GRPCNghttp2Transport
import Testing

/// The examples of the guide. They are compiled, and not run: their ports and files may not be free.
private enum Guide {
    static func serve(_ service: some RegistrableRPCService) async throws {
        let transport = Nghttp2ServerTransport(address: .ipv4(host: "127.0.0.1", port: 8080))
        var router = RPCRouter<Nghttp2ServerTransport>()
        service.registerMethods(with: &router)
        let server = GRPCServer(transport: transport, router: router)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            print("listening on \(try await transport.listeningAddress)")
            try await group.waitForAll()
        }
    }

    static func withClient(_ body: (GRPCClient<Nghttp2ClientTransport>) async throws -> Void) async throws {
        var config = Nghttp2ClientTransport.Config.defaults
        config.connectTimeout = .seconds(5)
        let transport = Nghttp2ClientTransport(target: .ipv4(host: "127.0.0.1", port: 8080), config: config)
        try await withGRPCClient(transport: transport, handleClient: body)
    }

    static func secured() -> Nghttp2ServerTransport {
        Nghttp2ServerTransport(
            address: .ipv4(host: "0.0.0.0", port: 8443),
            transportSecurity: .mTLS(
                certificateChain: [.file(path: "/etc/tls/tls.crt", format: .pem)],
                privateKey: .file(path: "/etc/tls/tls.key", format: .pem)
            ) { tls in
                tls.trustRoots = .certificates([.file(path: "/etc/tls/ca.crt", format: .pem)])
            }
        )
    }

    static func printPeer(_ context: ServerContext) {
        let transport = context.transportSpecific as? Nghttp2ServerTransport.Context
        let subject = transport?.peerCertificate
        print("\(String(describing: subject))")
    }

    static func inThePool() -> Nghttp2ServerTransport {
        let transport = Nghttp2ServerTransport(
            address: .ipv4(host: "0.0.0.0", port: 9000),
            config: .defaults { $0.handlerExecutor = .globalPool }
        )
        return transport
    }
}
