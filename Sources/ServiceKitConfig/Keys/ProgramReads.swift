import Synchronization

/// Everything that a program has read from its configuration, so that a later configuration can be read in the same way.
/// All configurations of a program share it.
///
/// Its size is bounded by the places of the program that read.
final class ProgramReads: Sendable {
    struct Read: Sendable {
        var path: ConfigurationPath
        var exceptions: Set<String>
        /// Reads the value as the program did.
        var again: @Sendable (Configuration) throws(ConfigurationError) -> Void
    }

    private struct Key: Hashable {
        var type: ObjectIdentifier
        var path: ConfigurationPath
        var exceptions: Set<String>
    }

    private struct State {
        var reads: [Key: Read] = [:]
        var claims: Set<ConfigurationPath> = []
        var followed: Set<ConfigurationPath> = []
    }

    private let state = Mutex(State())

    /// Records that the program has read a value, and the closure that reads it again.
    func note(
        _ type: Any.Type,
        at path: String,
        except exceptions: Set<String> = [],
        again: @escaping @Sendable (Configuration) throws(ConfigurationError) -> Void
    ) {
        let path = ConfigurationPath(path)
        let key = Key(type: ObjectIdentifier(type), path: path, exceptions: exceptions)
        state.withLock { $0.reads[key] = Read(path: path, exceptions: exceptions, again: again) }
    }

    /// Accepts a path with all keys below it.
    func claim(_ path: ConfigurationPath) {
        state.withLock { _ = $0.claims.insert(path) }
    }

    /// Records that the program follows the changes of a path.
    func follow(_ path: ConfigurationPath) {
        state.withLock { _ = $0.followed.insert(path) }
    }

    var claims: Set<ConfigurationPath> { state.withLock(\.claims) }

    var followedPaths: [String] { state.withLock { $0.followed.map(\.description) }.sorted() }

    /// Whether the program follows the changes of a path, or of a section around it.
    func isFollowed(_ path: ConfigurationPath) -> Bool {
        state.withLock { $0.followed.contains { path.keys.starts(with: $0.keys) } }
    }

    /// The reads, in the order of their paths.
    var reads: [Read] { state.withLock { Array($0.reads.values) }.sorted { $0.path.description < $1.path.description } }
}
