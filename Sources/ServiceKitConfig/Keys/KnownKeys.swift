import Synchronization

/// The keys that types have read, and the sections around them. A configuration and its reduced copies share them.
///
/// Their number is bounded by the places that decode, the types' properties and the configuration's keys.
final class KnownKeys: Sendable {
    enum Reading: Sendable {
        case text, integer, fraction, boolean
        /// Read element by element.
        case list
    }

    let program: ProgramReads
    private let secrets = Mutex<Set<ConfigurationPath>>([])
    private let readings = Mutex<[ConfigurationPath: Reading?]>([:])
    private let sections = Mutex<[ConfigurationPath: Section]>([:])

    /// The defaults of a section, the ranges of its values in words, and what they mean.
    private struct Section {
        var defaults: ConfigurationNode
        var ranges: [String: String]
        var help: [String: String]
    }

    /// None so far, of the program that has read an earlier configuration.
    init(after earlier: KnownKeys? = nil) {
        program = earlier?.program ?? ProgramReads()
    }

    /// Records that the values at a path and below it are secret.
    func noteSecret(_ path: ConfigurationPath) {
        secrets.withLock { _ = $0.insert(path) }
    }

    /// Whether a type reads the value at a path as a secret.
    func isSecret(_ path: ConfigurationPath) -> Bool {
        secrets.withLock { $0.contains(path) }
    }

    /// Records that a type asked for a key, and the kind it was read as: `nil` for a mapping, or if its value was not
    /// read.
    func note(_ path: ConfigurationPath, as reading: Reading? = nil) {
        readings.withLock { readings in
            // If one type reads a value as text, it stays text for all.
            if let known = readings[path] ?? nil, reading == nil || known == .text { return }
            readings.updateValue(reading, forKey: path)
        }
    }

    func note(
        section path: ConfigurationPath,
        defaults: ConfigurationNode,
        ranges: [String: String],
        help: [String: String]
    ) {
        sections.withLock { $0[path] = Section(defaults: defaults, ranges: ranges, help: help) }
    }

    /// The description of an option, as the section around it has it.
    func description(of path: ConfigurationPath) -> OptionDescription {
        let key = path.keys.last ?? ""
        let section = sections.withLock { $0[ConfigurationPath(keys: path.keys.dropLast())] }
        return OptionDescription(
            path: path.description,
            defaultValue: isSecret(path) ? nil : section?.defaults.mapping?[key]?.value.flowText,
            range: section?.ranges[key],
            help: section?.help[key]
        )
    }

    /// The kind that the value at a path was read as; `nil` when no type has read it.
    func reading(at path: ConfigurationPath) -> Reading? {
        readings.withLock { $0[path] ?? nil }
    }

    /// The keys that types have asked for.
    var paths: Set<ConfigurationPath> { readings.withLock { Set($0.keys) } }
}
