internal import JWTKit
internal import Logging
internal import ServiceKit
internal import ServiceKitConcurrency
internal import ServiceKitConfig
internal import ServiceLifecycle
private import Synchronization

/// Has the keys that check tokens, and keeps them up to date while the App runs.
///
/// | event | effect |
/// |---|---|
/// | the start | the keys are loaded; without a file the App does not start, an address that is away is asked again |
/// | `refresh-interval` has passed, or the file has changed | the keys are loaded |
/// | a token has an unknown key id | the keys are loaded, at most once in `refetch-interval`; such calls wait for it together |
/// | loading fails | the last good keys stay; an address is asked again after a pause that grows up to a minute |
/// | a key is no longer in the set | it is accepted for `grace` more |
final class KeyKeeper: Service, Sendable {
    private struct State {
        var ring = KeyRing()
        var secret: [any JWTAlgorithm] = []
        var isLoading = false
    }

    private let source: (any KeySource)?
    private let secret: Secret<String>?
    private let options: KeySetOptions
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Duration
    private let logger: Logger
    private let state = Mutex(State())
    /// How often the source has been asked.
    private let loads = Watched(0)
    private let request = Signal()

    init<C: Clock<Duration>>(
        _ options: KeySetOptions, secret: Secret<String>?, source: (any KeySource)?, clock: C = ContinuousClock(),
        logger: Logger
    ) {
        self.options = options
        self.secret = secret
        self.source = source
        self.clock = clock
        self.logger = logger
        let start = clock.now
        now = { start.duration(to: clock.now) }
    }

    convenience init(_ options: JWTOptions, logger: Logger) {
        let jwks = options.jwks
        var source: (any KeySource)?
        if let file = jwks.file { source = FileKeySource(file, maxBytes: jwks.maxSize.bytes) }
        if let url = jwks.url { source = HTTPKeySource(url, maxBytes: jwks.maxSize.bytes) }
        self.init(jwks, secret: options.secret, source: source, logger: logger)
    }

    // MARK: - Keys

    /// The keys that a token may be signed with.
    ///
    /// - Throws: ``AuthFailure`` when there is none.
    func keys(_ id: String?, _ algorithm: TokenAlgorithm) throws(AuthFailure) -> [any JWTAlgorithm] {
        let now = now()
        let (keys, isEmpty) = state.withLock { state in
            algorithm == .hs256
                ? (state.secret, false) : (state.ring.candidates(id, algorithm, at: now), state.ring.isEmpty)
        }
        if !keys.isEmpty { return keys }
        if source == nil || algorithm == .hs256 { throw .algorithm }
        throw isEmpty ? .keysUnavailable : .unknownKey
    }

    /// Has the source asked for the sake of a token whose key is not known, and waits for the answer, for as long as an
    /// answer may take.
    ///
    /// - Returns: Whether there was an answer. If not, the source has been asked too lately.
    func refetch() async -> Bool {
        let now = now()
        let before = loads.value
        let isComing = state.withLock { state in
            if state.isLoading { return true }
            guard state.ring.mayFetch(at: now, interval: options.refetchInterval) else { return false }
            request.raise()
            return true
        }
        guard isComing else { return false }
        return
            (try? await withTimeLimit(options.timeout, clock: clock) { [loads] in
                await loads.first { $0 > before }
            }) != nil
    }

    // MARK: - Life

    /// Loads the keys for the first time.
    ///
    /// - Throws: `ConfigurationError` when a file has none. An address may be away for now.
    func start() async throws {
        if let secret {
            let keys = try await KeySet(secret: secret.value).keys
            state.withLock { $0.secret = keys.compactMap { $0.algorithms[.hs256] } }
        }
        guard let source, let failure = await load(source), source.isRequired else { return }
        throw ConfigurationError(
            message: "\(source.name) has no keys: \(failure)", keyPath: "\(AuthOptions.path).jwt.jwks.file")
    }

    func run() async {
        guard let source else { return (try? await gracefulShutdown()) ?? () }
        await cancelWhenGracefulShutdown { [self] in
            var backoff = Backoff(base: .seconds(1), maximum: .seconds(60))
            var pause = state.withLock(\.ring.isEmpty) ? backoff.next() : options.refreshInterval
            while true {
                await wait(pause, source)
                if Task.isCancelled { return }
                if await load(source) == nil {
                    backoff.reset()
                    pause = options.refreshInterval
                } else {
                    pause = min(options.refreshInterval, backoff.next())
                }
            }
        }
    }

    /// Waits for a time, for a change of the source, or for a token whose key is not known.
    private func wait(_ pause: Duration, _ source: any KeySource) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [clock] in try? await clock.sleep(for: pause) }
            group.addTask { [request] in await request.wait() }
            group.addTask { await source.waitForChange() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Asks the source. The last good keys stay when that fails.
    ///
    /// - Returns: The failure.
    private func load(_ source: any KeySource) async -> (any Error)? {
        let begin = now()
        state.withLock { state in
            state.isLoading = true
            state.ring.fetches(at: begin)
        }
        defer {
            state.withLock { $0.isLoading = false }
            loads.update { $0 += 1 }
        }
        do {
            let json = try await withTimeLimit(options.timeout, clock: clock) { try await source.load() }
            let set = try await KeySet(json: json)
            let now = now()
            state.withLock { $0.ring.replace(with: set, at: now, grace: options.grace) }
            logger.debug(
                "keys loaded",
                metadata: ["from": "\(source.name)", "keys": "\(set.keys.count)", "ignored": "\(set.ignored)"])
            return nil
        } catch {
            if Task.isCancelled { return error }
            logger.warning(
                "the keys that check tokens cannot be loaded; the last good ones stay",
                metadata: ["from": "\(source.name)", "error": "\(error)"])
            return error
        }
    }
}
