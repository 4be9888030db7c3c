internal import Logging
internal import ServiceKitConfig
private import Synchronization

/// The levels of loggers by their labels, as the section `log` of the configuration has them now.
final class LogLevels: Sendable {
    /// Those of the process, which ``App/run(plugins:arguments:bootstrapsLogging:_:)`` sets.
    static let process = LogLevels()

    private struct Table {
        /// The level of the other loggers; `nil` leaves each its own.
        var level: Logger.Level?
        var levels: [String: Logger.Level] = [:]
    }

    private let table = Mutex(Table())
    /// Counts the changes, so that loggers know when to look again.
    fileprivate let generation = Atomic(0)

    /// Reads the section `log`, and follows its changes.
    ///
    /// - Throws: `ConfigurationError` when the section is wrong.
    func follow(_ store: ConfigurationStore) throws(ConfigurationError) {
        set(try Self.table(of: store.configuration))
        store.follow(["log"]) { next, _ in
            let table = try Self.table(of: next)
            return { self.set(table) }
        }
    }

    private static func table(of configuration: Configuration) throws(ConfigurationError) -> Table {
        let options = try configuration.decode(LogOptions.self, at: "log")
        return Table(level: configuration.contains("log.level") ? options.level : nil, levels: options.levels)
    }

    private func set(_ next: Table) {
        table.withLock { $0 = next }
        // Behind the table: a logger that sees the new number finds the new table.
        generation.add(1, ordering: .releasing)
    }

    fileprivate func level(of label: String) -> Logger.Level? {
        table.withLock { $0.levels[label] ?? $0.level }
    }
}

/// The level of the loggers of one label. They ask for each line, so it is kept until the levels change.
final class LabelLevel: Sendable {
    private let label: String
    private let levels: LogLevels
    /// The generation, and in the last byte the index of the level in ``all``, or `none`.
    private let kept = Atomic(-1)

    private static let all = Logger.Level.allCases
    private static let none = 0xff

    init(_ label: String, of levels: LogLevels) {
        self.label = label
        self.levels = levels
    }

    /// The level; `nil` if the configuration has none for the label.
    var level: Logger.Level? {
        let generation = levels.generation.load(ordering: .acquiring)
        var kept = kept.load(ordering: .relaxed)
        if kept >> 8 != generation {
            let index = levels.level(of: label).flatMap(Self.all.firstIndex) ?? Self.none
            kept = generation << 8 | index
            self.kept.store(kept, ordering: .relaxed)
        }
        let index = kept & 0xff
        return index == Self.none ? nil : Self.all[index]
    }
}
