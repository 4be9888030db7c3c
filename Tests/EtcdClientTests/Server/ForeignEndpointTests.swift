import GRPCCore
import GRPCNghttp2Transport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// A client whose first endpoint is a gRPC server, but not an etcd.
@Suite(.enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct ForeignEndpointTests {
    @Test func callsWatchesAndLeasesFailOverFromAnotherGRPCServer() async throws {
        try await EtcdServer.withServer { etcd in
            let transport = Nghttp2ServerTransport(
                address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext)
            try await withGRPCServer(transport: transport, services: []) { _ in
                let stranger = "http://\(try await transport.listeningAddress)".replacing("ipv4:", with: "")
                let config = try EtcdConfig(endpoints: [stranger] + etcd.endpoints)
                let client = try EtcdClient(config, logger: .silent, first: 0) { endpoint in
                    GRPCCaller(transport: config.transport(to: endpoint, logger: .silent))
                }
                try await withRunning(client) {
                    let revision = try await client.put("k", "v").revision
                    for try await update in client.watch(.key("k"), .with { $0.from = revision }) {
                        if case .events = update { break }
                    }
                    let lease = try await client.grantLease(ttl: .seconds(1))
                    for try await _ in client.keepAlive(lease) { break }
                    let failure = await expectFailure(.unsupported) {
                        _ = try await client.status(of: client.endpoints[0])
                    }
                    #expect(failure?.message.hasPrefix("etcd at \(stranger): Status: ") == true, "\(failure as Any)")
                    #expect(failure?.message.hasSuffix("correct the endpoint") == true, "\(failure as Any)")
                }
            }
        }
    }
}
