import Glibc
import NIOSSL

/// Reads certificates and keys, and explains why one cannot be used.
///
/// BoringSSL does not read the files: it does not tell a file that it could not open from a file with other content.
extension TLSConfig.Source {
    /// The content that a source is to hold.
    fileprivate enum Content: String {
        case certificate
        case privateKey = "private key"

        /// The command of `openssl` that converts it.
        var command: String { self == .certificate ? "x509" : "pkey" }
    }

    /// The largest file that is read.
    private static let maxFileBytes = 1 << 20

    /// Its place, for errors.
    var place: String {
        path.map { "in file \"\($0)\"" } ?? "given in memory"
    }

    fileprivate func use<Result>(
        as content: Content,
        option: String?,
        _ parse: (_ bytes: [UInt8], _ format: NIOSSLSerializationFormats) throws -> Result
    ) throws(TLSConfigError) -> Result {
        func unusable(_ reason: String) -> TLSConfigError {
            let place = option.map { "\(self.place) (\($0))" } ?? self.place
            return TLSConfigError(description: "the \(content.rawValue) \(place) cannot be used: \(reason)")
        }
        let bytes: [UInt8]
        let format: TLSConfig.SerializationFormat
        switch self {
        case .bytes(let given, let givenFormat):
            (bytes, format) = (given, givenFormat)
        case .file(let path, let givenFormat):
            do throws(FileError) {
                (bytes, format) = (try Self.read(path), givenFormat)
            } catch {
                throw unusable(error.reason)
            }
        }
        do {
            return try parse(bytes, format == .pem ? .pem : .der)
        } catch {
            let reason =
                switch error {
                case NIOSSLError.failedToLoadCertificate, NIOSSLError.failedToLoadPrivateKey:
                    "it holds no \(content.rawValue) in this format\(Self.hint(bytes, format, content))"
                default:
                    "\(error)"
                }
            throw unusable(reason)
        }
    }

    /// A guess at the real content of the bytes.
    private static func hint(
        _ bytes: [UInt8],
        _ format: TLSConfig.SerializationFormat,
        _ content: Content
    ) -> String {
        guard let first = bytes.first else { return ": it is empty" }
        let text = String(decoding: bytes, as: UTF8.self)
        let isPEM = text.contains("-----BEGIN ")
        if format == .der, isPEM { return ": it looks like PEM, but must be DER" }
        // DER begins with a sequence.
        if format == .pem, !isPEM, first == 0x30 {
            return ": it looks like DER; convert it with `openssl \(content.command) -inform der`"
        }
        switch content {
        case .certificate where text.contains("PRIVATE KEY-----"):
            return ": it is a private key; are certificate and key mixed up?"
        case .privateKey where text.contains("ENCRYPTED"):
            return ": it is encrypted; write it without its passphrase with `openssl pkey`"
        case .privateKey where text.contains("-----BEGIN CERTIFICATE-----"):
            return ": it is a certificate; are certificate and key mixed up?"
        default:
            return ""
        }
    }

    // MARK: - Files

    private struct FileError: Error {
        var reason: String

        /// Describes the last system call of this thread.
        static func last() -> Self { Self(reason: SystemLimit.reason(of: errno)) }
    }

    private static func read(_ path: String) throws(FileError) -> [UInt8] {
        // Waits for the other end of a pipe: files are read where no event loop is held.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last() }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last() }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
            guard bytes.count <= Self.maxFileBytes else {
                throw FileError(reason: "it is larger than \(Self.maxFileBytes) bytes")
            }
        }
    }
}

/// The system's `read`, which a function of that name would hide.
private func systemRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}

extension TLSConfig.CertificateSource {
    /// - Parameter option: The user's name of the option, if it is not the transport's.
    /// - Returns: The certificates.
    /// - Throws: ``TLSConfigError`` that names the file and the problem.
    func certificates(option: String? = nil) throws(TLSConfigError) -> [NIOSSLCertificate] {
        try source.use(as: .certificate, option: option) { bytes, format in
            format == .pem
                ? try NIOSSLCertificate.fromPEMBytes(bytes) : [try NIOSSLCertificate(bytes: bytes, format: format)]
        }
    }
}

extension TLSConfig.PrivateKeySource {
    /// - Parameter option: The user's name of the option, if it is not the transport's.
    /// - Returns: The key.
    /// - Throws: ``TLSConfigError`` that names the file and the problem.
    func key(option: String? = nil) throws(TLSConfigError) -> NIOSSLPrivateKey {
        try source.use(as: .privateKey, option: option) { try NIOSSLPrivateKey(bytes: $0, format: $1) }
    }
}

extension TLSConfig.TrustRootsSource {
    var sources: [TLSConfig.Source] {
        switch kind {
        case .systemDefault: []
        case .certificates(let certificates): certificates.map(\.source)
        }
    }

    /// - Parameter option: The user's name of the option, if it is not the transport's.
    /// - Returns: The trusted authorities.
    /// - Throws: ``TLSConfigError`` that names the file and the problem.
    func roots(option: String? = nil) throws(TLSConfigError) -> NIOSSLTrustRoots {
        switch kind {
        case .systemDefault:
            return .default
        case .certificates(let sources):
            var certificates: [NIOSSLCertificate] = []
            for source in sources { certificates += try source.certificates(option: option) }
            return .certificates(certificates)
        }
    }

    /// The trusted authorities, in words.
    var summary: String {
        switch kind {
        case .systemDefault: "the system's authorities"
        case .certificates(let certificates):
            "the certificates \(certificates.map(\.source.place).joined(separator: ", "))"
        }
    }
}
