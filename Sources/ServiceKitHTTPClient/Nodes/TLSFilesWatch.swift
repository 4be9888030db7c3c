internal import Dispatch
internal import Logging
internal import NIOSSL
internal import ServiceKitConcurrency
internal import ServiceKitGRPC
internal import ServiceKitHTTP2
private import Synchronization

/// The files of `client.tls` as they are now: looked at once a second at most, when calls are made, and read again when they
/// have changed. Files that cannot be used are logged, and the last good ones stay.
final class TLSFilesWatch: Sendable {
    private struct State {
        var stamps: [FileStamp?]
        /// The stamps of files that could not be used; that was logged.
        var refusedStamps: [FileStamp?]?
        var checkedAt: ContinuousClock.Instant
        var isUnderWay = false
        /// The change since the client was made.
        var changed: TLSConfiguration?
    }

    private static let checkInterval = Duration.seconds(1)
    /// How long a call waits for files to be read again before it takes the last good ones.
    private static let patience = Duration.seconds(1)

    private let options: ClientTLSOptions
    private let files: [String]
    private let logger: Logger
    private let state: Mutex<State>
    /// Where files are read: a disk that hangs must hold no task.
    private let queue = DispatchQueue(label: "servicekit.http-client.certificates")

    /// - Parameters:
    ///   - options: The options; their files are being read for the first time.
    ///   - logger: Is told of files that have changed.
    init(_ options: ClientTLSOptions, _ logger: Logger) {
        self.options = options
        self.logger = logger
        files = [options.ca, options.certificate, options.key].compactMap(\.self)
        state = Mutex(State(stamps: files.map { FileStamp(path: $0) }, checkedAt: .now))
    }

    /// The configuration for a connection that would be made now; `nil` if it is that of the client.
    nonisolated(nonsending) func current() async -> TLSConfiguration? {
        if files.isEmpty { return nil }
        let (isDue, known) = state.withLock { state in
            guard !state.isUnderWay, state.checkedAt + Self.checkInterval <= .now else { return (false, state.changed) }
            state.isUnderWay = true
            return (true, state.changed)
        }
        guard isDue else { return known }
        let isDone = Signal()
        queue.async {
            self.read()
            isDone.raise()
        }
        await isDone.wait(until: .now + Self.patience)
        return state.withLock(\.changed)
    }

    private func read() {
        // Before they are read: a change in the meantime is read the next time.
        let stamps = files.map { FileStamp(path: $0) }
        let hasChanged = state.withLock { $0.stamps != stamps }
        let result = hasChanged ? Result { try options.nioConfiguration().checked() } : nil
        let isNewRefusal = state.withLock { state in
            state.isUnderWay = false
            state.checkedAt = .now
            switch result {
            case .success(let configuration)?:
                state.changed = configuration
                state.stamps = stamps
                return false
            case .failure?:
                defer { state.refusedStamps = stamps }
                return state.refusedStamps != stamps
            case nil: return false
            }
        }
        switch result {
        case .success?:
            logger.info("certificates were loaded again", metadata: ["files": "\(files)"])
        case .failure(let error)? where isNewRefusal:
            logger.warning(
                "certificates have changed but cannot be used; the last good ones stay", metadata: ["error": "\(error)"]
            )
        default: break
        }
    }
}

extension TLSConfiguration {
    /// The configuration, if a connection can be made with it.
    ///
    /// - Throws: The error of NIOSSL, such as for a key of another certificate.
    fileprivate func checked() throws -> TLSConfiguration {
        _ = try NIOSSLContext(configuration: self)
        return self
    }
}
