import Foundation
import GRPCCore

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

typealias RawClient = GRPCClient<Nghttp2ClientTransport>
typealias RawServer = GRPCServer<Nghttp2ServerTransport>

extension TransportAddress {
    /// A free port of this machine.
    static let anyPort = TransportAddress.ipv4(host: "127.0.0.1", port: 0)

    /// An address without a listener. Only the test can take it. (Another test could take a port.)
    static func unusedPath() -> TransportAddress {
        .unixDomainSocket(
            path: FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).sock").path
        )
    }
}

/// Runs a server with these handlers.
func withServer<Result: Sendable>(
    _ handlers: [String: RawHandler],
    address: TransportAddress = .anyPort,
    config: Nghttp2ServerTransport.Config = .defaults,
    _ body: @Sendable (RawServer, TransportAddress) async throws -> Result
) async throws -> Result {
    try await withSecureServer(.plaintext, handlers, address: address, config: config, body)
}

/// Runs a client.
func withClient<Result: Sendable>(
    _ address: TransportAddress,
    config: Nghttp2ClientTransport.Config = .defaults,
    _ body: (RawClient) async throws -> Result
) async throws -> Result {
    let transport = Nghttp2ClientTransport(target: address, config: config)
    return try await withGRPCClient(transport: transport, handleClient: body)
}

/// Runs a server with these handlers, and a client of it.
func withLoopback<Result: Sendable>(
    _ handlers: [String: RawHandler],
    server: Nghttp2ServerTransport.Config = .defaults,
    client: Nghttp2ClientTransport.Config = .defaults,
    _ body: @Sendable (RawClient, RawServer) async throws -> Result
) async throws -> Result {
    try await withServer(handlers, config: server) { server, address in
        try await withClient(address, config: client) { try await body($0, server) }
    }
}
