/// The vocabulary for certificates, keys and their verification.
///
/// The names are those of grpc-swift's own transport.
public enum TLSConfig: Sendable {
    /// How a certificate or a key is written down.
    public struct SerializationFormat: Sendable, Hashable {
        enum Kind: Sendable {
            case pem, der
        }

        let kind: Kind

        /// Text (RFC 7468). A file may hold several certificates: a chain.
        public static let pem = Self(kind: .pem)
        /// Binary (X.690).
        public static let der = Self(kind: .der)
    }

    /// The source of the bytes.
    enum Source: Sendable, Hashable {
        case file(path: String, format: SerializationFormat)
        case bytes([UInt8], format: SerializationFormat)

        var path: String? {
            if case .file(let path, _) = self { path } else { nil }
        }
    }

    /// One certificate or several.
    public struct CertificateSource: Sendable, Hashable {
        let source: Source

        /// A file, read when the first connection needs it and again when it has changed.
        public static func file(path: String, format: SerializationFormat) -> Self {
            Self(source: .file(path: path, format: format))
        }

        /// The bytes themselves.
        public static func bytes(_ bytes: [UInt8], format: SerializationFormat) -> Self {
            Self(source: .bytes(bytes, format: format))
        }
    }

    /// A private key.
    public struct PrivateKeySource: Sendable, Hashable {
        let source: Source

        /// A file, read when the first connection needs it and again when it has changed.
        public static func file(path: String, format: SerializationFormat) -> Self {
            Self(source: .file(path: path, format: format))
        }

        /// The bytes themselves.
        public static func bytes(_ bytes: [UInt8], format: SerializationFormat) -> Self {
            Self(source: .bytes(bytes, format: format))
        }
    }

    /// The authorities that may sign the peer's certificate.
    public struct TrustRootsSource: Sendable, Hashable {
        enum Kind: Sendable, Hashable {
            case systemDefault
            case certificates([CertificateSource])
        }

        let kind: Kind

        /// These certificates only.
        public static func certificates(_ sources: [CertificateSource]) -> Self {
            Self(kind: .certificates(sources))
        }

        /// The system's authorities.
        public static let systemDefault = Self(kind: .systemDefault)
    }

    /// How the peer's certificate is verified.
    public struct CertificateVerification: Sendable, Hashable {
        enum Kind: Sendable {
            case none, withoutHostname, full
        }

        let kind: Kind

        /// Not at all: the peer can be anyone. A server then asks for no certificate.
        public static let noVerification = Self(kind: .none)
        /// A trusted authority has to have signed it.
        public static let noHostnameVerification = Self(kind: .withoutHostname)
        /// A trusted authority has to have signed it, for the name that the client connects to.
        public static let fullVerification = Self(kind: .full)
    }
}
