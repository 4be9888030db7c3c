internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTPCompression
internal import NIOPosix
internal import NIOSSL
internal import ServiceKit
internal import ServiceKitConfig
internal import ServiceKitGRPC

/// Makes the connections to the nodes of a client.
struct HTTPClients: Sendable {
    private let configuration: HTTPClient.Configuration
    private let serverName: String?
    /// The files of TLS as they are now.
    let tlsFiles: TLSFilesWatch
    /// How long an attempt to connect may take.
    let connectTimeout: TimeAmount

    /// - Throws: `ConfigurationError` when a file of the section `client.tls` cannot be read.
    init(_ setup: ChannelSetup, followsRedirects: Bool) throws {
        let options = setup.options
        serverName = options.tls.serverName
        // Before they are read: a change in the meantime is read the next time.
        tlsFiles = TLSFilesWatch(options.tls, setup.logger)
        connectTimeout = TimeAmount(options.connectTimeout)
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try setup.configuration.locatingErrors(at: "client.tls") {
                try options.tls.nioConfiguration()
            },
            // A redirect of an instance could lead anywhere.
            redirectConfiguration: followsRedirects ? .follow(max: 5, allowCycles: false) : .disallow,
            timeout: .init(connect: connectTimeout),
            decompression: .enabled(limit: .size(options.limits.maxMessage.bytes))
        )
        // The balancer bounds what a node gets: a call does not wait for a connection that is free.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1024
        configuration.connectionPool.idleTimeout = TimeAmount(options.maxConnectionIdle)
        // Another node is tried in place of another attempt at this one.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.tracing.tracer = nil
        self.configuration = configuration
    }

    /// The client for an endpoint, and the authority of its URLs.
    func client(for endpoint: Endpoint) -> (HTTPClient, authority: String) {
        var configuration = configuration
        var authority = endpoint.authority
        if endpoint.isSecure, let serverName {
            configuration.dnsOverride = [serverName: endpoint.host]
            authority = "\(serverName):\(endpoint.port)"
        }
        let client = HTTPClient(
            eventLoopGroupProvider: .shared(.singletonMultiThreadedEventLoopGroup), configuration: configuration)
        return (client, authority)
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        self = .nanoseconds(Int64(min(duration / .nanoseconds(1), 9e18)))
    }
}

extension ClientTLSOptions {
    /// The form of NIOSSL.
    ///
    /// - Throws: `ConfigurationError` that names the key of a file that cannot be read.
    func nioConfiguration() throws(ConfigurationError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let ca {
            let authorities = try Self.read("ca", ca) { try NIOSSLCertificate.fromPEMFile($0) }
            configuration.trustRoots = .certificates(authorities)
        }
        if let certificate, let key {
            let chain = try Self.read("certificate", certificate) { try NIOSSLCertificate.fromPEMFile($0) }
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try Self.read("key", key) { try NIOSSLPrivateKey(file: $0, format: .pem) })
        }
        return configuration
    }

    private static func read<Value>(
        _ name: String, _ file: String, _ body: (String) throws -> Value
    ) throws(ConfigurationError) -> Value {
        do {
            return try body(file)
        } catch {
            throw ConfigurationError(message: "\(file) cannot be read: \(error)", keyPath: "client.tls.\(name)")
        }
    }
}
