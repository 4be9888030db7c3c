import Dispatch
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// Certificates and keys, as connections need them: read from files when there is a first connection, and again when
/// one comes and the files have changed.
final class TLSContextSource: Sendable {
    private struct State {
        var context: NIOSSLContext?
        var stamps: [FileStamp?] = []
        /// The stamps of files that could not be used; that was logged.
        var refusedStamps: [FileStamp?]?
        var checkedAt: NIODeadline?
    }

    /// The context that connections have while files are read.
    private struct Known {
        let context: NIOSSLContext
        let checkedAt: NIODeadline
    }

    private struct Reading {
        var known: Known?
        var isUnderWay = false
        /// Connections that wait for the files.
        var waiting: [EventLoopPromise<NIOSSLContext>] = []

        mutating func takeWaiting() -> [EventLoopPromise<NIOSSLContext>] {
            defer { waiting = [] }
            return waiting
        }
    }

    private let files: [String]
    private let make: @Sendable () throws -> TLSConfiguration
    /// Certificate and key, for errors.
    private let pair: String
    private let logger: Logger
    private let state = Mutex(State())
    private let reading = Mutex(Reading())
    /// Where files are read for connections: a disk that hangs must hold no event loop.
    private let queue = DispatchQueue(label: "grpc.nghttp2.certificates")

    /// How often files are looked at, at most.
    private static let checkInterval = TimeAmount.seconds(1)
    /// How long a connection waits for files to be read again before it takes the last good ones.
    private static let patience = TimeAmount.seconds(1)

    /// - Parameters:
    ///   - chain: This side's certificates.
    ///   - key: The key of the first of them.
    ///   - roots: The trusted authorities.
    ///   - logger: Is told when files that have changed cannot be used.
    ///   - make: Makes the configuration, reading files.
    init(
        chain: [TLSConfig.CertificateSource],
        key: TLSConfig.PrivateKeySource?,
        roots: TLSConfig.TrustRootsSource,
        logger: Logger,
        make: @escaping @Sendable () throws -> TLSConfiguration
    ) {
        let (certificates, keys) = (chain.map(\.source), [key?.source].compactMap(\.self))
        files = (certificates + keys + roots.sources).compactMap(\.path)
        let places = [certificates.first, keys.first].map { $0?.place ?? "that is missing" }
        pair = "the private key \(places[1]) and the certificate \(places[0])"
        self.logger = logger
        self.make = make
    }

    /// The certificates and keys as they are now, for a connection: files are not read on its event loop.
    ///
    /// When reading them again takes long, as on a disk that hangs, the last good ones are used. Fails with ``TLSConfigError``
    /// if they cannot be used and never could.
    func context(on loop: any EventLoop, now: NIODeadline = .now()) -> EventLoopFuture<NIOSSLContext> {
        let promise = loop.makePromise(of: NIOSSLContext.self)
        let (known, begins): (Known?, Bool) = reading.withLock { reading in
            if let known = reading.known,
                files.isEmpty || reading.isUnderWay || now < known.checkedAt + Self.checkInterval
            {
                return (known, false)
            }
            reading.waiting.append(promise)
            defer { reading.isUnderWay = true }
            return (nil, !reading.isUnderWay)
        }
        if let known {
            promise.succeed(known.context)
        } else if begins {
            queue.async { self.read(now: now) }
            let limit = loop.scheduleTask(in: Self.patience) { self.stopWaiting() }
            promise.futureResult.whenComplete { _ in limit.cancel() }
        }
        return promise.futureResult
    }

    private func read(now: NIODeadline) {
        let result = Result { try self.context(now: now) }
        let waiting = reading.withLock { reading in
            reading.isUnderWay = false
            if case .success(let context) = result { reading.known = Known(context: context, checkedAt: now) }
            return reading.takeWaiting()
        }
        for promise in waiting { promise.completeWith(result) }
    }

    /// Gives connections the last good context, if there is one.
    private func stopWaiting() {
        let (known, waiting) = reading.withLock { reading in
            (reading.known, reading.known == nil ? [] : reading.takeWaiting())
        }
        guard let known else { return }
        for promise in waiting { promise.succeed(known.context) }
    }

    /// The certificates and keys as they are now. Reads files, which may take as long as a disk does.
    ///
    /// - Throws: ``TLSConfigError`` if they cannot be used and never could.
    func context(now: NIODeadline = .now()) throws -> NIOSSLContext {
        try state.withLock { state in
            if let context = state.context {
                if let checkedAt = state.checkedAt, now < checkedAt + Self.checkInterval { return context }
                state.checkedAt = now
                if files.map({ FileStamp(path: $0) }) == state.stamps { return context }
            }
            // Before they are read: a change in the meantime is read the next time.
            let stamps = files.map { FileStamp(path: $0) }
            do {
                let context = try makeContext(make())
                let isReloaded = state.context != nil
                state = State(context: context, stamps: stamps, checkedAt: now)
                if isReloaded {
                    logger.info("certificates were loaded again", metadata: ["files": "\(files)"])
                }
                return context
            } catch {
                guard let context = state.context else { throw error }
                // They are tried again: perhaps the other half of a pair is still to be written, or there was no
                // descriptor to read them with. It is said once for each change.
                if state.refusedStamps != stamps {
                    state.refusedStamps = stamps
                    logger.warning(
                        "certificates have changed but cannot be used; the last good ones stay",
                        metadata: ["error": "\(error)"]
                    )
                }
                return context
            }
        }
    }

    private func makeContext(_ configuration: TLSConfiguration) throws -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            // The key itself was good.
            let isMismatch = error as? NIOSSLError == .failedToLoadPrivateKey
            let reason = isMismatch ? "the key belongs to another certificate" : "\(error)"
            throw TLSConfigError(description: "\(pair) cannot be used together: \(reason)")
        }
    }

    // MARK: - Configurations

    /// - Parameter otherProtocols: The protocols that clients may choose in place of HTTP/2 (ALPN).
    convenience init(_ tls: ServerTransportSecurity.TLS, otherProtocols: [String] = [], logger: Logger) {
        let names = tls.optionNames
        self.init(chain: tls.certificateChain, key: tls.privateKey, roots: tls.trustRoots, logger: logger) {
            let certificates = try tls.certificateChain.flatMap {
                try $0.certificates(option: names.key(\.certificate))
            }
            guard !certificates.isEmpty else {
                throw TLSConfigError(description: "a server needs a certificate, and its certificate chain is empty")
            }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificates.map { .certificate($0) },
                privateKey: .privateKey(try tls.privateKey.key(option: names.key(\.key)))
            )
            configuration.minimumTLSVersion = .tlsv12
            // A server has no use for the names in a client's certificate.
            configuration.certificateVerification =
                tls.clientCertificateVerification == .noVerification ? .none : .noHostnameVerification
            configuration.trustRoots = try tls.trustRoots.roots(option: names.key(\.trustRoots))
            configuration.applicationProtocols = [HTTP2Connection.applicationProtocol] + otherProtocols
            return configuration
        }
    }

    convenience init(_ tls: ClientTransportSecurity.TLS, logger: Logger) {
        let names = tls.optionNames
        self.init(chain: tls.certificateChain, key: tls.privateKey, roots: tls.trustRoots, logger: logger) {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            configuration.certificateChain = try tls.certificateChain.flatMap {
                try $0.certificates(option: names.key(\.certificate))
            }
            .map { .certificate($0) }
            configuration.privateKey = try tls.privateKey.map { .privateKey(try $0.key(option: names.key(\.key))) }
            configuration.certificateVerification =
                switch tls.serverCertificateVerification.kind {
                case .none: .none
                case .withoutHostname: .noHostnameVerification
                case .full: .fullVerification
                }
            configuration.trustRoots = try tls.trustRoots.roots(option: names.key(\.trustRoots))
            configuration.applicationProtocols = [HTTP2Connection.applicationProtocol]
            return configuration
        }
    }
}

/// A certificate or key that cannot be used.
public struct TLSConfigError: Error, CustomStringConvertible {
    /// One line that names the file and the problem.
    public let description: String
}
