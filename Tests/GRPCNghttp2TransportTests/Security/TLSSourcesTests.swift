import Foundation
import GRPCCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The sources of certificates and keys, the mistakes in them, and changes of the files.
@Suite(.timeLimit(.minutes(1)))
struct TLSSourcesTests {
    private let certificates: TestCertificates

    init() async throws {
        certificates = try await TestCertificates.shared()
    }

    private func client(_ roots: TLSConfig.TrustRootsSource? = nil) -> ClientTransportSecurity {
        .tls { $0.trustRoots = roots ?? certificates.roots }
    }

    private func echo(_ server: ServerSecurity, _ client: ClientTransportSecurity) async throws -> [UInt8] {
        try await withSecureServer(server) { _, address in
            try await withSecureClient(address, client) { try await $0.call("Echo", [1]) }
        }
    }

    // MARK: Forms

    @Test func certificatesInPEMFilesWork() async throws {
        let server = certificates.server
        try await TemporaryDirectory.with { directory in
            let security = ServerSecurity.tls(
                certificateChain: [.file(path: try directory.write(server.certificate, to: "chain.pem"), format: .pem)],
                privateKey: .file(path: try directory.write(server.key, to: "key.pem"), format: .pem)
            )
            let roots = try directory.write(certificates.authority, to: "roots.pem")
            let answer = try await echo(security, client(.certificates([.file(path: roots, format: .pem)])))
            #expect(answer == [1])
        }
    }

    @Test func certificatesInDERFilesWork() async throws {
        let server = certificates.server
        try await TemporaryDirectory.with { directory in
            let security = ServerSecurity.tls(
                certificateChain: [.file(path: try directory.write(server.certificateDER, to: "chain"), format: .der)],
                privateKey: .file(path: try directory.write(server.keyDER, to: "key"), format: .der)
            )
            let roots = try directory.write(certificates.authorityDER, to: "roots")
            let answer = try await echo(security, client(.certificates([.file(path: roots, format: .der)])))
            #expect(answer == [1])
        }
    }

    @Test func certificatesInDERBytesWork() async throws {
        let security = ServerSecurity.tls(
            certificateChain: [.bytes(certificates.server.certificateDER, format: .der)],
            privateKey: .bytes(certificates.server.keyDER, format: .der)
        )
        let roots = TLSConfig.TrustRootsSource.certificates([.bytes(certificates.authorityDER, format: .der)])
        #expect(try await echo(security, client(roots)) == [1])
    }

    @Test func severalRootsAreTrusted() async throws {
        let stranger = certificates.stranger
        let security = ServerSecurity.tls(certificateChain: stranger.chain, privateKey: stranger.privateKey)
        // In one file, and in two.
        let both = certificates.authority + certificates.otherAuthority
        #expect(try await echo(security, client(.certificates([.bytes(both, format: .pem)]))) == [1])
        let each = [certificates.authority, certificates.otherAuthority]
        let sources = each.map { TLSConfig.CertificateSource.bytes($0, format: .pem) }
        #expect(try await echo(security, client(.certificates(sources))) == [1])
    }

    // MARK: Mistakes

    private func listenError(
        chain: [TLSConfig.CertificateSource]? = nil,
        key: TLSConfig.PrivateKeySource? = nil
    ) async throws -> TLSConfigError {
        let transport = Nghttp2ServerTransport(
            address: .anyPort,
            transportSecurity: .tls(
                certificateChain: chain ?? certificates.server.chain,
                privateKey: key ?? certificates.server.privateKey
            )
        )
        let error = await #expect(throws: TLSConfigError.self) { try await transport.listen { _, _ in } }
        await #expect(throws: TLSConfigError.self, "who waits for the address learns of it, too") {
            try await transport.listeningAddress
        }
        return try #require(error)
    }

    @Test func missingFileIsNamed() async throws {
        let certificate = try await listenError(chain: [.file(path: "/no/such/chain.pem", format: .pem)])
        let reason = "in file \"/no/such/chain.pem\" cannot be used: No such file or directory"
        #expect(certificate.description == "the certificate \(reason)")
        let key = try await listenError(key: .file(path: "/no/such/chain.pem", format: .pem))
        #expect(key.description == "the private key \(reason)")
        let der = try await listenError(chain: [.file(path: "/no/such/chain.pem", format: .der)])
        #expect(der.description == "the certificate \(reason)")
    }

    @Test func fileWithOtherContentsIsNamed() async throws {
        let server = certificates.server
        try await TemporaryDirectory.with { directory in
            for (name, bytes) in [
                ("empty", []), ("text", Array("hello\n".utf8)), ("half", Array(server.certificate.prefix(200))),
            ] {
                let path = try directory.write(bytes, to: name)
                let certificate = try await listenError(chain: [.file(path: path, format: .pem)])
                #expect(
                    certificate.description.hasPrefix("the certificate in file \"\(path)\" cannot be used: it holds no")
                )
                let key = try await listenError(key: .file(path: path, format: .pem))
                #expect(key.description.hasPrefix("the private key in file \"\(path)\" cannot be used: it holds no"))
            }
        }
    }

    @Test func fileInTheOtherFormatIsNamed() async throws {
        let server = certificates.server
        let (pem, der) = ("looks like PEM, but must be DER", "looks like DER; convert it with `openssl")
        for (error, hint) in [
            (try await listenError(chain: [.bytes(server.certificate, format: .der)]), pem),
            (
                try await listenError(chain: [.bytes(server.certificateDER, format: .pem)]),
                "\(der) x509 -inform der`"
            ),
        ] {
            #expect(
                error.description
                    == "the certificate given in memory cannot be used: it holds no certificate in this format: it \(hint)"
            )
        }
        for (error, hint) in [
            (try await listenError(key: .bytes(server.key, format: .der)), pem),
            (try await listenError(key: .bytes(server.keyDER, format: .pem)), "\(der) pkey -inform der`"),
        ] {
            #expect(
                error.description
                    == "the private key given in memory cannot be used: it holds no private key in this format: it \(hint)"
            )
        }
    }

    @Test func swappedCertificateAndKeyAreReported() async throws {
        let server = certificates.server
        let key = try await listenError(chain: [.bytes(server.key, format: .pem)])
        #expect(key.description.hasSuffix("it is a private key; are certificate and key mixed up?"))
        let certificate = try await listenError(key: .bytes(server.certificate, format: .pem))
        #expect(certificate.description.hasSuffix("it is a certificate; are certificate and key mixed up?"))
        let empty = try await listenError(chain: [.bytes([], format: .pem)])
        #expect(empty.description.hasSuffix("it is empty"))
        let directory = try await listenError(chain: [.file(path: "/tmp", format: .pem)])
        #expect(directory.description == "the certificate in file \"/tmp\" cannot be used: Is a directory")
    }

    @Test func keyOfAnotherCertificateIsReported() async throws {
        let error = try await listenError(key: certificates.client.privateKey)
        #expect(error.description.contains("private key"))
        #expect(error.description.contains("certificate"))
        #expect(error.description.hasSuffix("the key belongs to another certificate"))
    }

    @Test func emptyCertificateChainIsReported() async throws {
        let error = try await listenError(chain: [])
        #expect(error.description.contains("certificate"))
    }

    @Test func clientReportsAnUnusableFileWhenItConnects() async throws {
        let server = ServerSecurity.tls(
            certificateChain: certificates.server.chain, privateKey: certificates.server.privateKey
        )
        let roots = TLSConfig.TrustRootsSource.certificates([.file(path: "/no/such/roots.pem", format: .pem)])
        let client = self.client(roots)
        let stranger = certificates.stranger
        let mismatch = ClientTransportSecurity.mTLS(
            certificateChain: certificates.client.chain, privateKey: stranger.privateKey
        )
        try await withSecureServer(server) { _, address in
            try await withSecureClient(address, client) { client in
                let error = await client.failure()
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("\"/no/such/roots.pem\" cannot be used: No such file") == true)
            }
            try await withSecureClient(address, mismatch) { client in
                let error = await client.failure()
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("private key") == true)
            }
        }
    }

    // MARK: Files that change

    /// A pair of files, and the security that is made of them.
    private struct Files {
        let directory: TemporaryDirectory

        func write(_ identity: TestCertificates.Identity) throws {
            try directory.write(identity.certificate, to: "chain.pem")
            try directory.write(identity.key, to: "key.pem")
        }

        private func path(_ name: String) -> String { directory.path(name) }

        var security: ServerSecurity {
            .tls(
                certificateChain: [.file(path: path("chain.pem"), format: .pem)],
                privateKey: .file(path: path("key.pem"), format: .pem)
            )
        }
    }

    private static func at(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000) + TimeAmount.milliseconds(milliseconds)
    }

    @Test func changedFilesAreReadAgain() throws {
        try TemporaryDirectory.with { directory in
            let files = Files(directory: directory)
            try files.write(certificates.server)
            let log = LogRecorder()
            let source = TLSContextSource(try #require(files.security.tls), logger: log.logger())
            let first = try source.context(now: Self.at(0))
            #expect(try source.context(now: Self.at(5000)) === first, "nothing has changed")
            try files.write(certificates.renewed)
            #expect(try source.context(now: Self.at(5999)) === first, "they are looked at once a second")
            let second = try source.context(now: Self.at(6000))
            #expect(second !== first)
            #expect(try source.context(now: Self.at(7000)) === second)
            #expect(log.lines.map(\.level) == [.info], "one line")
        }
    }

    @Test func brokenFilesKeepTheLastContext() throws {
        try TemporaryDirectory.with { directory in
            let files = Files(directory: directory)
            try files.write(certificates.server)
            let log = LogRecorder()
            let source = TLSContextSource(try #require(files.security.tls), logger: log.logger())
            let first = try source.context(now: Self.at(0))
            try directory.write(Array("nonsense".utf8), to: "chain.pem")
            #expect(try source.context(now: Self.at(1000)) === first)
            #expect(try source.context(now: Self.at(2000)) === first)
            #expect(log.warnings.count == 1, "once for each change")
            #expect(log.warnings.first?.metadata["error"]?.contains("chain.pem") == true)
            // Half of a pair: certificate and key do not belong together.
            try directory.write(certificates.renewed.certificate, to: "chain.pem")
            #expect(try source.context(now: Self.at(3000)) === first)
            #expect(log.warnings.count == 2)
            try directory.write(certificates.renewed.key, to: "key.pem")
            #expect(try source.context(now: Self.at(4000)) !== first)
            #expect(log.warnings.count == 2)
            // Both files are gone.
            let last = try source.context(now: Self.at(4000))
            try directory.remove("key.pem")
            #expect(try source.context(now: Self.at(5000)) === last)
            #expect(log.warnings.count == 3)
        }
    }

    /// A file that could not be read for a passing reason, for instance because no descriptor was free, is read again
    /// later, even if the files have not changed since.
    @Test func unreadableFileIsReadAgainLater() throws {
        try TemporaryDirectory.with { directory in
            let files = Files(directory: directory)
            try files.write(certificates.server)
            let log = LogRecorder()
            let isBroken = Shared(false)
            let security = try #require(files.security.tls)
            let source = TLSContextSource(
                chain: security.certificateChain, key: security.privateKey, roots: .systemDefault, logger: log.logger()
            ) {
                guard !isBroken.value else { throw TLSConfigError(description: "Too many open files") }
                return TLSConfiguration.makeClientConfiguration()
            }
            let first = try source.context(now: Self.at(0))
            try files.write(certificates.renewed)
            isBroken.update { $0 = true }
            #expect(try source.context(now: Self.at(1000)) === first)
            #expect(try source.context(now: Self.at(2000)) === first)
            #expect(log.warnings.count == 1, "once for each change")
            isBroken.update { $0 = false }
            #expect(try source.context(now: Self.at(3000)) !== first)
        }
    }

    @Test func inMemorySourceIsBuiltOnce() throws {
        let server = ServerSecurity.tls(
            certificateChain: certificates.server.chain, privateKey: certificates.server.privateKey
        )
        let source = TLSContextSource(try #require(server.tls), logger: LogRecorder().logger())
        let first = try source.context(now: Self.at(0))
        #expect(try source.context(now: Self.at(100_000)) === first)
    }

    /// A named pipe acts like a file on a disk that hangs: its reader waits for a writer.
    @Test func hangingFileBlocksNoEventLoop() async throws {
        let directory = try TemporaryDirectory()
        let files = Files(directory: directory)
        try files.write(certificates.server)
        let path = directory.path("key.pem")
        try directory.remove("key.pem")
        try #require(mkfifo(path, 0o600) == 0)
        let source = TLSContextSource(try #require(files.security.tls), logger: LogRecorder().logger())
        let loop = MultiThreadedEventLoopGroup.singleton.any()

        func write() async throws {
            // The writer, too, waits for a reader.
            try await Task.detached { [key = certificates.server.key] in
                let file = try FileHandle(forWritingTo: URL(filePath: path))
                try file.write(contentsOf: Data(key))
                try file.close()
            }.value
        }

        let waiting = source.context(on: loop, now: Self.at(0))
        try await loop.submit {}.get()
        try await write()
        let first = try await waiting.get()

        // The file was written to, so it is read again. Until then the last context stays.
        let again = source.context(on: loop, now: Self.at(1000))
        #expect(try await source.context(on: loop, now: Self.at(1000)).get() === first)
        #expect(try await again.get() === first)
        try await write()
    }

    /// Files that cannot be used at first are tried again, without a wait.
    @Test func missingFilesAreReadAsSoonAsTheyExist() throws {
        try TemporaryDirectory.with { directory in
            let files = Files(directory: directory)
            let source = TLSContextSource(try #require(files.security.tls), logger: LogRecorder().logger())
            #expect(throws: TLSConfigError.self) { try source.context(now: Self.at(0)) }
            try files.write(certificates.server)
            _ = try source.context(now: Self.at(1))
        }
    }

    /// New connections see the new certificate; open connections go on.
    @Test func newConnectionsSeeAChangedCertificate() async throws {
        let gate = Gate()
        let wait = RawService.echo(behind: gate)
        let certificates = self.certificates
        let client = self.client()
        try await TemporaryDirectory.with { directory in
            let files = Files(directory: directory)
            try files.write(certificates.server)
            try await withSecureServer(files.security, ["Wait": wait, "Echo": RawService.echo]) { _, address in
                try await withSecureClient(address, client) { old in
                    try await withThrowingTaskGroup(of: [UInt8].self) { group in
                        group.addTask { try await old.call("Wait", [7]) }
                        await gate.waitForArrivals()
                        #expect(
                            try await Self.certificate(of: address, certificates) == certificates.server.certificateDER)
                        try files.write(certificates.renewed)
                        while try await Self.certificate(of: address, certificates)
                            != certificates.renewed.certificateDER
                        {
                            try Task.checkCancellation()
                        }
                        let answer = try await old.call("Echo", [8])
                        #expect(answer == [8])
                        gate.open()
                        #expect(try await group.next() == [7])
                    }
                }
                let answer = try await withSecureClient(address, client) { try await $0.call("Echo", [9]) }
                #expect(answer == [9])
            }
        }
    }

    /// The certificate that a server shows.
    private static func certificate(
        of address: TransportAddress, _ certificates: TestCertificates
    ) async throws -> [UInt8] {
        let seen = Shared<[UInt8]>([])
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        configuration.applicationProtocols = ["h2"]
        configuration.trustRoots = .certificates([try NIOSSLCertificate(bytes: certificates.authority, format: .pem)])
        let context = try NIOSSLContext(configuration: configuration)
        _ = try await Frames.exchange(
            address, Frames.preface + Frames.settings, tls: context,
            onCertificate: { certificate in
                let bytes = (try? certificate.toDERBytes()) ?? []
                seen.update { $0 = bytes }
            }
        ) { !$0.isEmpty }
        return seen.value
    }
}
