import GRPCCore
import ServiceKitGRPC
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// gRPC's interoperability tests, against the C core of gRPC by way of Python.
@Suite(
    .bothPaths,
    .enabled(if: PythonPeer.isAvailable, "KIT_TEST_PYTHON names no Python with grpcio; `make test` sets it"),
    .enabled(if: TestSecurity.openssl != nil, "openssl is not installed"),
    .timeLimit(.minutes(1))
)
struct InteropTests {
    private static func withSwiftServer(
        _ security: TestSecurity,
        _ body: (TransportAddress) async throws -> Void
    ) async throws {
        let service = InteropService()
        let transport = Nghttp2ServerTransport(serving: service, transportSecurity: try await security.server)
        try await withGRPCServer(transport: transport, services: [service]) { _ in
            try await body(try await transport.listeningAddress)
        }
    }

    private static func withSwiftClient(
        of address: TransportAddress,
        _ security: TestSecurity,
        _ body: (InteropClient) async throws -> Void
    ) async throws {
        try await Relay.run(to: address) { relay in
            switch CallPath.current {
            case .grpcCore:
                let transport = Nghttp2ClientTransport(
                    target: relay.address, transportSecurity: try await security.client
                )
                try await withGRPCClient(transport: transport) { client in
                    try await body(InteropClient(client) { relay.bytesFromServer })
                }
            case .direct:
                try await security.withClientOptions { tls in
                    var options = ChannelOptions()
                    options.tls = tls
                    try await withChannel(relay.address, options: options) { channel in
                        try await body(InteropClient(channel) { relay.bytesFromServer })
                    }
                }
            }
        }
    }

    @Test(.serialized, arguments: InteropCase.allCases, TestSecurity.basic)
    func pythonClientPassesTheInteropCase(_ interopCase: InteropCase, _ security: TestSecurity) async throws {
        try await Self.withSwiftServer(security) { address in
            try await PythonPeer.interop.check(interopCase.rawValue, of: address, security: security)
        }
    }

    @Test(.serialized, arguments: InteropCase.allCases, TestSecurity.basic)
    func swiftClientPassesTheInteropCaseAgainstPython(_ interopCase: InteropCase, _ security: TestSecurity) async throws
    {
        try await PythonPeer.interop.withServer(security: security) { address in
            try await Self.withSwiftClient(of: address, security) { try await $0.run(interopCase) }
        }
    }

    /// Both ends in Swift. A mistake that both make in the same way shows in the tests above.
    @Test(.serialized, arguments: InteropCase.allCases, TestSecurity.allCases)
    func swiftClientPassesTheInteropCaseAgainstSwift(_ interopCase: InteropCase, _ security: TestSecurity) async throws
    {
        try await Self.withSwiftServer(security) { address in
            try await Self.withSwiftClient(of: address, security) { try await $0.run(interopCase) }
        }
    }

    @Test func pythonClientNeedsItsCertificateForMutualTLS() async throws {
        try await Self.withSwiftServer(.mutualTLS) { address in
            try await PythonPeer.interop.check("empty_unary", of: address, security: .mutualTLS)
            // A client without a certificate.
            try await PythonPeer.interop.check("unavailable", of: address, security: .tls)
        }
    }

    @Test func swiftClientNeedsItsCertificateForMutualTLS() async throws {
        try await PythonPeer.interop.withServer(security: .mutualTLS) { address in
            try await Self.withSwiftClient(of: address, .mutualTLS) { try await $0.run(.emptyUnary) }
            // A client without a certificate. It learns of the refusal only after its handshake is over.
            try await Self.withSwiftClient(of: address, .tls) { client in
                let error = await #expect(throws: RPCError.self) { try await client.run(.emptyUnary) }
                #expect(error?.code == .unavailable)
            }
        }
    }
}
