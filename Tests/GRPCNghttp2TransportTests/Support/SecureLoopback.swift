import GRPCCore
import Logging

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

typealias ServerSecurity = Nghttp2ServerTransport.TransportSecurity

/// Runs a server, with TLS or without.
func withSecureServer<Result: Sendable>(
    _ security: ServerSecurity,
    _ handlers: [String: RawHandler] = ["Echo": RawService.echo],
    address: TransportAddress = .anyPort,
    config: Nghttp2ServerTransport.Config = .defaults,
    logger: Logger = Logger(label: "test"),
    _ body: @Sendable (RawServer, TransportAddress) async throws -> Result
) async throws -> Result {
    let service = RawService(handlers: handlers)
    let transport = Nghttp2ServerTransport(
        serving: service, address: address, transportSecurity: security, config: config, logger: logger
    )
    return try await withGRPCServer(transport: transport, services: [service]) { server in
        try await body(server, try await transport.listeningAddress)
    }
}

/// Runs a client, with TLS or without.
func withSecureClient<Result: Sendable>(
    _ address: TransportAddress,
    _ security: ClientTransportSecurity,
    authority: String? = nil,
    config: Nghttp2ClientTransport.Config = .defaults,
    logger: Logger = Logger(label: "test"),
    _ body: (RawClient) async throws -> Result
) async throws -> Result {
    let transport = Nghttp2ClientTransport(
        target: address, transportSecurity: security, authority: authority, config: config, logger: logger
    )
    return try await withGRPCClient(transport: transport, handleClient: body)
}

extension RawClient {
    /// The error of a call that must fail.
    func failure(_ method: String = "Echo", _ message: [UInt8] = [1]) async -> RPCError? {
        do {
            _ = try await call(method, message)
            return nil
        } catch {
            return error as? RPCError
        }
    }
}
