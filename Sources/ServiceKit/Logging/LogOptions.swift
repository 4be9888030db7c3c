package import Logging
internal import ServiceKitConfig

/// The section `log`.
package struct LogOptions: ConfigurationSection, Hashable {
    /// The least severe level that is logged, `info` by default.
    package var level = Logger.Level.info
    /// The same by the label of a logger: `user-service: debug`. The label of an App's logger is the service's name.
    package var levels: [String: Logger.Level] = [:]

    package init() {}
}

extension LogOptions {
    package static let help = [
        "level":
            "the least severe level that is logged: `trace`, `debug`, `info`, `notice`, `warning`, `error` or "
            + "`critical`",
        "levels": "the same for single loggers by their labels: `user-service: debug`; an App's has the service's name",
    ]
}
