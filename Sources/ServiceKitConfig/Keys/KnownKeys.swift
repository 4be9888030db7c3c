import Synchronization

/// The keys that types have asked for, and the kinds that they were read as. All copies of a configuration share them.
///
/// Their number is bounded by the types' properties and the configuration's keys.
final class KnownKeys: Sendable {
    /// The kind that a value was read as.
    enum Reading: Sendable {
        case text, integer, fraction, boolean
        /// Read element by element.
        case list
    }

    private let readings = Mutex<[ConfigurationPath: Reading?]>([:])

    /// Records that a type asked for a key, and the kind it was read as: `nil` for a mapping, or if its value was not
    /// read.
    func note(_ path: ConfigurationPath, as reading: Reading? = nil) {
        readings.withLock { readings in
            // If one type reads a value as text, it stays text for all.
            if let known = readings[path] ?? nil, reading == nil || known == .text { return }
            readings.updateValue(reading, forKey: path)
        }
    }

    /// The kind that the value at a path was read as; `nil` when no type has read it.
    func reading(at path: ConfigurationPath) -> Reading? {
        readings.withLock { $0[path] ?? nil }
    }

    var paths: Set<ConfigurationPath> { readings.withLock { Set($0.keys) } }
}
