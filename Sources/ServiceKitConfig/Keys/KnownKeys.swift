import Synchronization

/// The keys that types have read. A configuration and its reduced copies share them.
///
/// Their number is bounded by the places that decode, the types' properties and the configuration's keys.
final class KnownKeys: Sendable {
    enum Reading: Hashable, Sendable {
        case scalar(ScalarKind)
        /// Read element by element.
        case list

        /// Whether the value is read as it is written: no number, no boolean, no list.
        var isText: Bool {
            switch self {
            case .scalar(.integer), .scalar(.fraction), .scalar(.boolean), .list: false
            case .scalar: true
            }
        }
    }

    let program: ProgramReads
    private let secrets = Mutex<Set<ConfigurationPath>>([])
    private let leftOut = Mutex<Set<String>>([])
    private let readings = Mutex<[ConfigurationPath: Reading?]>([:])
    /// The defaults of the sections' types, the same at each place.
    private let defaults = Mutex<[ObjectIdentifier: ConfigurationNode]>([:])

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
        let path = program.basePath(of: path)
        return secrets.withLock { $0.contains(path) }
    }

    /// Records that a tool has left the value at a key path out, since it is wrong or not known here. Nothing misses it then:
    /// a section around it is not checked as a whole.
    func leaveOut(_ keyPath: String) {
        let keyPath = keyPath.prefix { $0 != "[" }
        let ofAllVariants = program.basePath(of: ConfigurationPath(String(keyPath))).description
        leftOut.withLock { $0.formUnion([String(keyPath), ofAllVariants]) }
    }

    /// Whether the value at a key path, or one around it, was left out.
    func isLeftOut(_ keyPath: String) -> Bool {
        leftOut.withLock { $0.contains { keyPath == $0 || keyPath.hasPrefix("\($0).") || keyPath.hasPrefix("\($0)[") } }
    }

    /// Whether a value at or below a key path was left out.
    func isIncomplete(_ keyPath: String) -> Bool {
        leftOut.withLock { $0.contains { keyPath.isEmpty || $0 == keyPath || $0.hasPrefix("\(keyPath).") } }
    }

    /// Records that a type asked for a key, and the kind it was read as: `nil` for a mapping, or if its value was not
    /// read.
    func note(_ path: ConfigurationPath, as reading: Reading? = nil) {
        readings.withLock { readings in
            // If one type reads a value as text, it stays text for all.
            if let known = readings[path] ?? nil, reading == nil || known.isText { return }
            readings.updateValue(reading, forKey: path)
        }
    }

    /// The defaults of a section. Throws ``ConfigurationError`` for the key path when they cannot be encoded.
    func defaults(
        of section: any ConfigurationSection.Type,
        keyPath: @autoclosure () -> String
    ) throws(ConfigurationError) -> ConfigurationNode {
        let id = ObjectIdentifier(section)
        if let known = defaults.withLock({ $0[id] }) { return known }
        // Not under the lock: the section's own code runs.
        let node = try NodeEncoder.defaults(of: section, keyPath: keyPath())
        defaults.withLock { $0[id] = node }
        return node
    }

    /// The kind that the value at a path was read as; `nil` when no type has read it.
    func reading(at path: ConfigurationPath) -> Reading? {
        let path = program.basePath(of: path)
        return readings.withLock { $0[path] ?? nil }
    }

    /// The keys that types have asked for.
    var paths: Set<ConfigurationPath> { readings.withLock { Set($0.keys) } }
}
