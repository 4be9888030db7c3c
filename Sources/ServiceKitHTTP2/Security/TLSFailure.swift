import Glibc
import NIOCore
import NIOSSL

/// The expectations of one end of a connection of the other's TLS, for errors.
package struct TLSExpectation: Sendable {
    /// The name that is verified; `nil` for the address of the connection.
    var hostname: String?
    /// The authorities that are trusted to sign the peer's certificate, in words.
    var trusted = "the system's authorities"
    var optionNames = TLSOptionNames.transport
}

/// Explains why TLS failed: the attempt, the peer's certificate, and the remedy.
struct TLSFailure {
    var expectation: TLSExpectation
    var isServer: Bool
    /// The peer's address, without its port: certificates have none.
    var address: String
    /// The peer's certificate, if the handshake got that far.
    var certificate: NIOSSLCertificate?
    /// Seconds since 1970, for the dates of certificates.
    var now: time_t

    private var names: TLSOptionNames { expectation.optionNames }
    private var peerRole: String { isServer ? "client" : "server" }

    /// `nil` if the error is none of TLS.
    func reason(_ error: any Error) -> String? {
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return "TLS: \(wrongName)"
        case NIOSSLError.uncleanShutdown:
            return "TLS: the peer closed the connection without saying so"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            break
        default:
            return nil
        }
        let text = "\(error)"
        let codes = Self.codes(in: text)
        guard let explanation = self.explanation(text, codes) else {
            return "TLS: the handshake failed: \(codes.isEmpty ? text : codes.joined(separator: ", "))"
        }
        return "TLS: \(explanation)" + (codes.isEmpty ? "" : " (\(codes.joined(separator: ", ")))")
    }

    /// BoringSSL's names for the errors: `CERTIFICATE_VERIFY_FAILED` in
    /// `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at …`.
    private static func codes(in text: String) -> [String] {
        var codes: [String] = []
        for word in text.split(separator: " ") {
            let parts = word.split(separator: ":")
            guard parts.count >= 2, parts[parts.count - 2] == "OPENSSL_internal" else { continue }
            let code = String(parts[parts.count - 1])
            if !codes.contains(code) { codes.append(code) }
        }
        return codes
    }

    private func explanation(_ text: String, _ codes: [String]) -> String? {
        func has(_ names: String...) -> Bool {
            codes.contains { code in names.contains { code.hasSuffix($0) } }
        }
        if has("CERTIFICATE_VERIFY_FAILED") { return untrusted }
        if has("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST") {
            return isServer
                ? "the client does not speak TLS, and this server does; have the client use TLS"
                : "the server does not speak TLS; connect without TLS, or have the server use it"
        }
        if has("PEER_DID_NOT_RETURN_A_CERTIFICATE") {
            return "the client shows no certificate, and this server demands one (mutual TLS)"
        }
        if has("ALERT_CERTIFICATE_REQUIRED") {
            return "the server demands a certificate of its clients (mutual TLS); set \(names.certificate) and "
                + names.key
        }
        if has("ALERT_UNKNOWN_CA", "ALERT_CERTIFICATE_UNKNOWN", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_EXPIRED") {
            return isServer
                ? "the client does not trust this server's certificate; it has to trust the signer of \(names.certificate)"
                : "the server does not trust this client's certificate; set \(names.certificate) to a certificate that "
                    + "an authority has signed which the server trusts"
        }
        if has("UNSUPPORTED_PROTOCOL", "ALERT_PROTOCOL_VERSION") {
            return "the \(self.peerRole) and this side have no version of TLS in common; here it is 1.2 or 1.3"
        }
        if has("NO_APPLICATION_PROTOCOL") {
            return "the \(peerRole) does not agree to HTTP/2 (\"\(HTTP2Connection.applicationProtocol)\", ALPN)"
        }
        if has("ALERT_HANDSHAKE_FAILURE", "NO_SHARED_CIPHER") {
            return
                "the \(peerRole) and this side do not agree; they have no cipher in common, or the server demands "
                + "a certificate (\(names.certificate))"
        }
        if text.contains("EOF during handshake") || text.contains("eofDuringHandshake") {
            return "the \(peerRole) closed the connection during the handshake; its log may tell why"
        }
        return nil
    }

    private var wrongName: String {
        let wanted =
            expectation.hostname.map { "the name \"\($0)\"" } ?? "the address \(address)"
        let names = certificate.map { Self.names(of: $0) } ?? []
        let made = names.isEmpty ? "has no names" : "is made out to \(Self.list(names))"
        // Only a name can be replaced by another one: an address is verified as the address of the connection.
        let hasName = certificate.map { Self.hasName($0) } ?? false
        let option = hasName ? "set \(self.names.serverName) to a name that it has, or " : ""
        return
            "the server's certificate is not made out to \(wanted): it \(made); \(option)give the server a certificate "
            + "with this one"
    }

    /// Why a certificate was not trusted.
    var untrusted: String {
        guard let certificate else {
            return "the \(peerRole)'s certificate is not trusted here; trusted are \(expectation.trusted) "
                + "(\(self.names.trustRoots))"
        }
        let names = Self.names(of: certificate)
        let whose = "the \(peerRole)'s certificate" + (names.isEmpty ? "" : " (for \(Self.list(names)))")
        if certificate.notValidAfter < now {
            return "\(whose) has expired on \(Self.date(certificate.notValidAfter)); renew it"
        }
        if certificate.notValidBefore > now {
            return
                "\(whose) is valid from \(Self.date(certificate.notValidBefore)) on; check the clocks of both machines"
        }
        return
            "\(whose) is not trusted here: trusted are \(expectation.trusted); set \(self.names.trustRoots) to the "
            + "certificate of its signer, and have the \(peerRole) send the certificates in between"
    }

    // MARK: - Certificates

    /// How many names of a certificate are listed.
    private static let maxNames = 8

    private static func list(_ names: [String]) -> String {
        let rest = names.count - maxNames
        return names.prefix(maxNames).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    /// Whether a certificate has a name that a client can ask for.
    private static func hasName(_ certificate: NIOSSLCertificate) -> Bool {
        certificate._subjectAlternativeNames().contains { $0.nameType == .dnsName }
    }

    /// The names that a certificate is made out to, with their kinds.
    static func names(of certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().compactMap { name in
            switch name.nameType {
            case .dnsName: "DNS \(String(decoding: name.contents, as: UTF8.self))"
            case .ipAddress: Self.address(Array(name.contents)).map { "IP \($0)" }
            default: nil
            }
        }
    }

    private static func address(_ bytes: [UInt8]) -> String? {
        var buffer = ByteBuffer()
        buffer.writeBytes(bytes)
        return try? SocketAddress(packedIPAddress: buffer, port: 0).ipAddress
    }

    /// `2026-01-31 12:00 UTC`.
    private static func date(_ time: time_t) -> String {
        var time = time
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "\(time)" }
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
            let count = strftime(buffer.baseAddress, buffer.count, "%Y-%m-%d %H:%M UTC", &parts)
            return String(decoding: UnsafeRawBufferPointer(buffer).prefix(count), as: UTF8.self)
        }
        return text
    }
}
