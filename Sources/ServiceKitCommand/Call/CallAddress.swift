import ArgumentParser
import GRPCNghttp2Transport
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

/// A server that is called without a lookup, and the security of its connection.
struct CallAddress: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server to call, without a lookup: 127.0.0.1:9000, unix:/run/user.sock, grpcs://host:443.",
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
        tls || ca != nil || cert != nil || serverName != nil || address?.hasPrefix("grpcs://") == true
    }

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
        guard let address else { return nil }
        var text = address
        for scheme in ["grpc://", "grpcs://"] where text.hasPrefix(scheme) { text.removeFirst(scheme.count) }
        guard let target = ListenAddress(text), !target.hasPortZero else {
            let shown = URLSecrets.masked(address: address)
            throw CommandFailure("--address: \"\(shown)\" is not an address; write host:port, or unix:/path")
        }
        return Nghttp2ClientTransport(target: TransportAddress(target), transportSecurity: security)
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
