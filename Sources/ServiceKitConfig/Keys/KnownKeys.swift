import Synchronization

/// The keys that types have asked for, and how they read what is written there; shared by all copies of a configuration.
///
/// There are at most as many as the types have properties and the configuration has keys.
final class KnownKeys: Sendable {
    /// As which kind of value something was read.
    enum Reading: Sendable {
        case text, integer, fraction, boolean
        /// As elements, one by one.
        case list
    }

    private let readings = Mutex<[ConfigurationPath: Reading?]>([:])

    /// Remembers that a key was asked for, and how its value was read: `nil` when it was not, or has parts.
    func note(_ path: ConfigurationPath, as reading: Reading? = nil) {
        readings.withLock { readings in
            // What one reader takes as text, no other makes a number for all.
            if let known = readings[path] ?? nil, reading == nil || known == .text { return }
            readings.updateValue(reading, forKey: path)
        }
    }

    /// How the value at a path was read; `nil` when nobody has read it.
    func reading(at path: ConfigurationPath) -> Reading? {
        readings.withLock { $0[path] ?? nil }
    }

    var paths: Set<ConfigurationPath> { readings.withLock { Set($0.keys) } }
}
