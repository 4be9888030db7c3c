import ArgumentParser
import GRPCNghttp2Transport
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitHTTPClient

/// A server that is called without a lookup, and the security of its connection.
struct CallAddress: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server to call, without a lookup: 127.0.0.1:9000, unix:/run/user.sock, grpcs://host:443, https://host:443.",
            valueName: "address"
        )
    )
    var address: String?

    @Flag(help: "With --address: use TLS.")
    var tls = false

    @Option(
        help: ArgumentHelp(
            "With --address: the trusted authorities for TLS, in PEM. Default: the system's.", valueName: "file")
    )
    var ca: String?

    @Option(help: ArgumentHelp("With --address: your certificates for TLS, in PEM.", valueName: "file"))
    var cert: String?

    @Option(help: ArgumentHelp("With --address: the key of your certificate, in PEM.", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("With --address: the name that the server's certificate must have.", valueName: "name"))
    var serverName: String?

    private var wantsTLS: Bool {
        tls || ca != nil || cert != nil || serverName != nil || isSecureURL
    }

    private var isSecureURL: Bool { ["grpcs://", "https://"].contains { address?.hasPrefix($0) == true } }

    /// The advice where the server may expect TLS and these options do not ask for it.
    var tlsRemedy: String? {
        if address == nil { return "client.tls in the configuration turns TLS on" }
        return wantsTLS ? nil : "--tls turns TLS on; --ca FILE names an authority that the system does not trust"
    }

    func validate() throws {
        if address == nil, wantsTLS || key != nil {
            throw ValidationError(
                "these options need --address; for servers from the registry, the configuration has client.tls"
            )
        }
        if (cert == nil) != (key == nil) { throw ValidationError("--cert and --key belong together") }
    }

    /// The transport to the address; `nil` without an address.
    func transport() throws(CommandFailure) -> Nghttp2ClientTransport? {
        try target().map { Nghttp2ClientTransport(target: TransportAddress($0), transportSecurity: security) }
    }

    /// The client over HTTP of the address; `nil` without an address.
    func httpClient() throws -> ServiceHTTPClient? {
        guard let target = try target() else { return nil }
        guard case .tcp(let host, let port) = target else {
            throw CommandFailure("--http: there are no calls over HTTP to a Unix domain socket; leave --http out")
        }
        var options = ChannelOptions()
        options.tls.ca = ca
        options.tls.certificate = cert
        options.tls.key = key
        options.tls.serverName = serverName
        let endpoint = Endpoint(scheme: wantsTLS ? "https" : "http", host: host, port: port)
        return try ServiceHTTPClient(at: endpoint, options: options)
    }

    private func target() throws(CommandFailure) -> ListenAddress? {
        guard let address else { return nil }
        var text = address
        for scheme in ["grpc://", "grpcs://", "http://", "https://"] where text.hasPrefix(scheme) {
            text.removeFirst(scheme.count)
        }
        guard let target = ListenAddress(text), !target.hasPortZero else {
            let shown = URLSecrets.masked(address: address)
            throw CommandFailure("--address: \"\(shown)\" is not an address; write host:port, or unix:/path")
        }
        return target
    }

    private var security: ClientTransportSecurity {
        guard wantsTLS else { return .plaintext }
        var names = TLSOptionNames()
        names.serverName = "--server-name"
        names.trustRoots = "--ca"
        names.certificate = "--cert"
        names.key = "--key"
        return .files(ca: ca, certificate: cert, key: key, serverName: serverName, names: names)
    }
}

extension ListenAddress {
    fileprivate var hasPortZero: Bool {
        if case .tcp(host: _, port: 0) = self { true } else { false }
    }
}
