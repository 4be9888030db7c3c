/// The user's names of the options of TLS: errors name them as remedies.
package struct TLSOptionNames: Sendable, Hashable {
    /// The name that the server's certificate must have.
    package var serverName = "serverHostname"
    /// The authorities that are trusted to sign the certificates of peers.
    package var trustRoots = "trustRoots"
    /// This side's certificate.
    package var certificate = "certificateChain"
    /// The key of this side's certificate.
    package var key = "privateKey"

    /// The transport's own names.
    package static let transport = Self()

    /// The user's name of an option, where it differs from the transport's.
    func key(_ option: KeyPath<Self, String>) -> String? {
        self == .transport ? nil : self[keyPath: option]
    }

    package init() {}

    /// The names of options that are keys of a section.
    ///
    /// - Parameters:
    ///   - section: The section's path, such as `client.tls`.
    ///   - trustRoots: The last part of the key that names the trusted authorities.
    package init(section: String, trustRoots: String = "ca") {
        serverName = "\(section).server-name"
        self.trustRoots = "\(section).\(trustRoots)"
        certificate = "\(section).certificate"
        key = "\(section).key"
    }
}
