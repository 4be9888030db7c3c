internal import ServiceKit
private import SwiftASN1
private import Synchronization
private import X509

/// Names the callers that the connection's certificate has proved. The handshake has checked the certificate.
final class CertificateIdentity: Sendable {
    /// The most certificates whose identity is kept: reading one takes longer than a small call.
    private static let maxKept = 1000

    private let options: CertificateOptions
    private let known = Mutex<[[UInt8]: Result<Identity, AuthFailure>]>([:])

    init(_ options: CertificateOptions) {
        self.options = options
    }

    /// The identity in a certificate.
    ///
    /// - Parameter certificate: The certificate, in DER.
    /// - Throws: ``AuthFailure`` when it has none of the names.
    func identity(of certificate: [UInt8]) throws(AuthFailure) -> Identity {
        if let identity = known.withLock({ $0[certificate] }) { return try identity.get() }
        let identity = Result { () throws(AuthFailure) in try read(certificate) }
        known.withLock { known in
            if known.count >= Self.maxKept { known.removeAll() }
            known[certificate] = identity
        }
        return try identity.get()
    }

    private func read(_ bytes: [UInt8]) throws(AuthFailure) -> Identity {
        guard let certificate = try? Certificate(derEncoded: bytes) else { throw .certificate }
        var (uris, hosts): ([String], [String]) = ([], [])
        for name in (try? certificate.extensions.subjectAlternativeNames) ?? .init() {
            switch name {
            case .uniformResourceIdentifier(let uri): uris.append(uri)
            case .dnsName(let host): hosts.append(host)
            default: break
            }
        }
        let subject = certificate.subject.description
        for name in options.names {
            let found: String? =
                switch name {
                case .spiffe: spiffeID(uris)
                case .dns: hosts.first
                case .subject: subject.isEmpty ? nil : subject
                }
            guard let found else { continue }
            return Identity(
                subject: found,
                issuer: certificate.issuer.description,
                claims: [
                    "uri": .list(uris.map { .string($0) }), "dns": .list(hosts.map { .string($0) }),
                    "subject": .string(subject),
                ],
                credential: .certificate
            )
        }
        throw .certificate
    }

    /// The SPIFFE ID, if the certificate has exactly one URI (X509-SVID, section 2).
    private func spiffeID(_ uris: [String]) -> String? {
        let scheme = "spiffe://"
        guard uris.count == 1, let id = uris.first, id.hasPrefix(scheme) else { return nil }
        let domain = id.dropFirst(scheme.count).prefix { $0 != "/" }
        if domain.isEmpty || !options.trustDomains.isEmpty && !options.trustDomains.contains(String(domain)) {
            return nil
        }
        return id
    }
}
