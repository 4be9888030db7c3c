private import FoundationEssentials
public import Logging
private import Metrics
internal import ServiceKitConcurrency
public import ServiceKitConfig
private import Synchronization

/// The configuration that is in force, and those that replace it.
///
/// When a source changes, all layers are merged from scratch, and everything that the program has ever read is read again
/// from the result. If all of it is good, the new configuration takes the place of the old one, in one step. Otherwise it
/// is refused as a whole: the error is logged with its place, and the last good configuration stays.
///
/// An App has a store, and runs it. A program without an App makes one, calls ``start()``, and runs ``run()`` in a task.
/// `ConfigurationStoreState` has the states.
public final class ConfigurationStore: Sendable {
    /// The times of a store.
    public struct Options: Hashable, Sendable {
        /// How long after a first change the others of the same burst are awaited; 200 ms by default.
        public var debounce = Duration.milliseconds(200)
        /// How long the start waits for required sources; 10 s by default. If they name times of their own, the longest of
        /// these counts instead.
        public var startTimeout = Duration.seconds(10)
        /// How long the start waits for each optional source that names no time of its own; 1 s by default.
        public var optionalStartTimeout = Duration.seconds(1)

        /// Creates the defaults.
        public init() {}
    }

    /// The values that readers see; replaced in one step.
    private struct Published {
        var configuration: Configuration
        /// The configuration that the program started with.
        var first: Configuration
        var sections: [(key: SectionKey, live: any LiveSection)] = []
        var followers: [Preparation] = []
        var status = ConfigurationStatus(since: .now)
        /// Whether an operator waits for the result of a reload.
        var isReload = false

        init(_ configuration: Configuration) {
            self.configuration = configuration
            first = configuration
        }
    }

    private struct SectionKey: Hashable {
        var type: ObjectIdentifier
        var path: String
    }

    private let sources: [any ConfigurationSource]
    private let environment: [String: String]
    private let overrides: [String]
    private let options: Options
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let state: Mutex<ConfigurationStoreState>
    private let published: Mutex<Published>
    /// Held while sections get their new values.
    private let step = SectionStep()
    private let mayBegin = Signal()
    private let mustSettle = Signal()
    /// The number of the configuration in force, for those that follow all of it.
    package let generations = Watched(1)
    /// The files that values named in the last build, good or not.
    let valueFiles = FileWatcher()
    private let reloads = Lazily { ReloadCounters() }
    private let tasks = Mutex<[Task<Void, Never>]>([])

    /// Creates a store of sources; later sources win. ``start()`` loads them.
    ///
    /// - Parameters:
    ///   - sources: The sources.
    ///   - environment: The environment variables, over the sources.
    ///   - overrides: Texts `path=value` over the environment.
    ///   - options: The times.
    ///   - logger: Where to log changes and refusals.
    ///   - clock: The clock of the times.
    public init(
        sources: [any ConfigurationSource],
        environment: [String: String] = ProcessEnvironment.current,
        overrides: [String] = [],
        options: Options = Options(),
        logger: Logger,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.sources = sources
        self.environment = environment
        self.overrides = overrides
        self.options = options
        self.clock = clock
        self.logger = logger
        state = Mutex(ConfigurationStoreState(sources: sources.map { ($0.name, $0.isRequired) }))
        published = Mutex(Published(Configuration()))
    }

    /// Creates a store of a configuration that never changes.
    public convenience init(_ configuration: Configuration) {
        self.init(
            sources: [], environment: [:], logger: .silent)
        published.withLock { $0 = Published(configuration) }
        state.withLock { state in
            _ = state.begin()
            _ = state.built()
        }
    }

    deinit {
        for task in tasks.withLock(\.self) { task.cancel() }
    }

    // MARK: - Reading

    /// The configuration in force.
    public var configuration: Configuration { published.withLock(\.configuration) }

    /// The state for operators.
    public var status: ConfigurationStatus {
        var status = published.withLock(\.status)
        status.away = state.withLock(\.away)
        return status
    }

    /// A section, or a single value, that follows changes. The same type and path give the same object.
    ///
    /// - Throws: `ConfigurationError` when the section is wrong now. A wrong section later is refused.
    public func live<Value: Decodable & Equatable & Sendable>(
        _ type: Value.Type,
        at path: String
    ) throws(ConfigurationError) -> Live<Value> {
        let key = SectionKey(type: ObjectIdentifier(type), path: path)
        return try published.withLock { published throws(ConfigurationError) in
            if let known = published.sections.first(where: { $0.key == key })?.live as? Live<Value> { return known }
            let live = Live(try published.configuration.decode(type, at: path), at: path, step: step)
            published.configuration.followChanges(at: path)
            published.sections.append((key, live))
            return live
        }
    }

    /// Reads the part of a new configuration that a component follows, and compares it with the one in force. Returns
    /// the function that takes the change over. An error refuses the configuration.
    package typealias Preparation =
        @Sendable (_ next: Configuration, _ earlier: Configuration) throws -> @Sendable () -> Void

    /// Lets a component follow changes at some paths. Call it before ``run()``.
    ///
    /// The component takes a change over when all live sections have changed: one change after the other, and no lock of
    /// the store is held.
    ///
    /// - Parameters:
    ///   - paths: The paths. Changes of their values need no restart.
    ///   - prepare: Reads a new configuration before it is taken.
    package func follow(_ paths: [String], _ prepare: @escaping Preparation) {
        published.withLock { published in
            for path in paths { published.configuration.followChanges(at: path) }
            published.followers.append(prepare)
        }
    }

    /// A section that follows changes, for code that reads it in each call.
    ///
    /// - Parameters:
    ///   - type: The section's type.
    ///   - path: Its path.
    ///   - service: The service whose clients read it; `nil` for the section as it is for all.
    /// - Returns: The section. The same arguments give another object each time.
    /// - Throws: `ConfigurationError` when the section is wrong now. A wrong section later is refused.
    func replaceable<Value: Decodable & Equatable & Sendable>(
        _ type: Value.Type,
        at path: String,
        forClientsOf service: String? = nil
    ) throws(ConfigurationError) -> Replaceable<Value> {
        let read: @Sendable (Configuration) throws(ConfigurationError) -> Value = { configuration in
            try (service.map(configuration.client(of:)) ?? configuration).decode(type, at: path)
        }
        let section = Replaceable(try read(configuration))
        follow([path]) { next, _ in
            let value = try read(next)
            return { section.setIfChanged(value) }
        }
        return section
    }

    // MARK: - Life

    /// Loads the sources. An optional source that is away, or does not answer within its time, is left out until it comes.
    ///
    /// - Throws: `ConfigurationError` when the configuration is wrong, or a required source is away at the end of the
    ///   time; see ``Options/startTimeout``.
    public func start() async throws {
        for (number, source) in sources.enumerated() {
            let report: @Sendable (ConfigurationSourceState) -> Void = { [weak self] in self?.report($0, by: number) }
            let task = Task { await source.run(report: report) }
            tasks.withLock { $0.append(task) }
        }
        let limit = sources.filter(\.isRequired).compactMap(\.startTimeout).max() ?? options.startTimeout
        if !sources.isEmpty {
            await withTaskGroup { group in
                for (number, source) in sources.enumerated() where !source.isRequired {
                    let limit = source.startTimeout ?? options.optionalStartTimeout
                    group.addTask {
                        guard (try? await self.clock.sleep(for: limit)) != nil else { return }
                        self.report(.away("no answer within \(limit)"), by: number, ifSilent: true)
                    }
                }
                // At the limit the sources that are there decide.
                try? await withTimeLimit(limit, clock: clock) { [mayBegin] in await mayBegin.wait() }
                group.cancelAll()
            }
            try Task.checkCancellation()
        }
        switch state.withLock({ $0.begin() }) {
        case .build(let documents):
            let configuration = try merge(documents, after: nil)
            published.withLock { $0 = Published(configuration) }
            perform(state.withLock { $0.built() })
        case .fail(let cause):
            throw ConfigurationError(message: "no configuration within \(limit) from \(cause)")
        case .none, .begin, .settle:
            break
        }
    }

    /// Takes changes over until the task is cancelled. Call it when the program has read its configuration.
    public func run() async {
        await withTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    await self.valueFiles.wait()
                    self.perform(self.state.withLock { $0.changed() })
                }
            }
            while !Task.isCancelled {
                await mustSettle.wait()
                guard (try? await clock.sleep(for: options.debounce)) != nil else { break }
                if case .build(let documents) = state.withLock({ $0.settled() }) { await build(documents) }
                perform(state.withLock { $0.built() })
            }
            group.cancelAll()
        }
    }

    /// Reads all sources again, as after SIGHUP. The log has its result, also if nothing has changed.
    public func reload() {
        published.withLock { $0.isReload = true }
        for source in sources { source.refresh() }
        perform(state.withLock { $0.changed() })
    }

    /// Takes the state of a source in; with `ifSilent` only if the source has told none.
    private func report(_ report: ConfigurationSourceState, by number: Int, ifSilent: Bool = false) {
        var report = report
        if case .loaded(let documents) = report, !(sources[number] is FileSource) {
            report = .loaded(documents.map(\.fromSource))
        }
        let (news, action): (ConfigurationStoreState.News?, ConfigurationStoreState.Action) = state.withLock { state in
            if ifSilent, state.hasReported(number) { return (nil, .none) }
            return (state.news(in: report, by: number), state.reported(report, by: number))
        }
        let source: Logger.Metadata = ["source": "\(sources[number].name)"]
        switch news {
        case .away(let cause, let hasValues):
            let message: Logger.Message =
                hasValues
                ? "configuration source is away; its last values stay"
                : "configuration source is away; it has given no values yet"
            logger.warning(message, metadata: source.merging(["cause": "\(cause)"]) { $1 })
        case .back:
            logger.notice("configuration source is no longer away", metadata: source)
        case nil:
            break
        }
        perform(action)
    }

    private func perform(_ action: ConfigurationStoreState.Action) {
        switch action {
        case .begin: mayBegin.raise()
        case .settle: mustSettle.raise()
        case .none, .build, .fail: break
        }
    }

    // MARK: - Building

    private func merge(
        _ documents: [ConfigurationDocument],
        after earlier: Configuration?
    ) throws(ConfigurationError) -> Configuration {
        let files = Mutex<[String]>([])
        defer { valueFiles.watch(files.withLock(\.self)) }
        let layers = LayerStack(documents: documents, environment: environment, overrides: overrides)
        return try layers.merged(after: earlier) { path throws(ConfigurationError) in
            files.withLock { $0.append(path) }
            // Watched before it is read, so that no change is missed in between.
            self.valueFiles.add(path)
            return try ConfigurationFile.contents(of: path)
        }
    }

    private func build(_ documents: [ConfigurationDocument]) async {
        let merged = await valueFiles.reading {
            Result { () throws(ConfigurationError) in try merge(documents, after: configuration) }
        }
        // A value may be half of its file. It is read again when the file is closed.
        guard let merged else { return }
        do {
            let next = try merged.get()
            try next.readAgain()
            // A section that was added meanwhile is read as well.
            while try !publish(next) {}
        } catch {
            published.withLock { published in
                published.isReload = false
                published.status.refusals += 1
                published.status.refusal = "\(error)"
            }
            reloads.value.refused.increment()
            logger.error("configuration refused; the last good one stays", metadata: ["error": "\(error)"])
        }
    }

    /// Takes a configuration over. Returns `false` when a section has been added meanwhile.
    private func publish(_ next: Configuration) throws -> Bool {
        let (earlier, first, sections, followers) = published.withLock {
            ($0.configuration, $0.first, $0.sections, $0.followers)
        }
        let steps = try sections.map { try $0.live.prepare(next) }
        let changes = try followers.map { try $0(next, earlier) }
        let needsRestart = next.changesWithoutFollower(since: first)
        let isChange = !next.hasSameValues(as: earlier)
        let before: (needsRestart: [String], wasRefused: Bool, isReload: Bool)? = published.withLock { published in
            guard published.sections.count == sections.count, published.followers.count == followers.count else {
                return nil
            }
            let before = (published.status.needsRestart, published.status.refusal != nil, published.isReload)
            published.isReload = false
            published.status.needsRestart = needsRestart
            published.status.refusal = nil
            guard isChange else { return before }
            published.configuration = next
            published.status.generation += 1
            published.status.since = .now
            step.perform(steps)
            return before
        }
        guard let before else { return false }
        generations.setIfChanged(status.generation)
        if isChange {
            reloads.value.applied.increment()
            // Outside of the locks: a component may take its own, under which plugins read sections.
            for change in changes { change() }
            logger.notice("configuration changed", metadata: ["generation": "\(status.generation)"])
        } else if before.wasRefused {
            logger.notice(
                "configuration is good again, and the same as before", metadata: ["generation": "\(status.generation)"])
        } else if before.isReload {
            logger.notice(
                "configuration read again; nothing has changed", metadata: ["generation": "\(status.generation)"])
        }
        for path in needsRestart where !before.needsRestart.contains(path) {
            logger.warning("configuration changed, but needs a restart", metadata: ["key": "\(path)"])
        }
        return true
    }
}

/// Counts the configurations that have taken the place of another, and those that were refused. The metrics go to the
/// backend that the program has bootstrapped when the first one is counted.
private struct ReloadCounters: Sendable {
    let applied = Self.counter(of: "applied")
    let refused = Self.counter(of: "refused")

    private static func counter(of result: String) -> Counter {
        Counter(label: "servicekit.config.reloads", dimensions: [("result", result)])
    }
}
