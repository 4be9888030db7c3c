import Synchronization

/// Everything that a program reads from its configuration: what it has read, so that a later configuration can be read in
/// the same way, and what its modules have registered. All configurations of a program share it.
///
/// Its size is bounded by the places of the program that read.
final class ProgramReads: Sendable {
    struct Read: Sendable {
        var path: ConfigurationPath
        var exceptions: Set<String>
        var type: any (Decodable & SendableMetatype).Type
        /// The number of the read, in their order.
        var number = 0
        /// Reads the value as the program did; `nil` when the program has not read it yet.
        var again: (@Sendable (Configuration) throws(ConfigurationError) -> Void)?
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
        var live: Set<ConfigurationPath> = []
        var help: [ConfigurationPath: String] = [:]
        var variants: [SectionVariants] = []
    }

    private let state = Mutex(State())

    /// Records that the program has read a value, and the closure that reads it again.
    func note(
        _ type: any (Decodable & SendableMetatype).Type,
        at path: ConfigurationPath,
        except exceptions: Set<String> = [],
        again: @escaping @Sendable (Configuration) throws(ConfigurationError) -> Void
    ) {
        note(Read(path: path, exceptions: exceptions, type: type, again: again))
    }

    /// Records that the program may read a value, and the paths whose changes it then takes over without a restart.
    func register(_ type: any (Decodable & SendableMetatype).Type, at path: String, live: [String], help: String?) {
        let path = ConfigurationPath(path)
        claim(path)
        note(Read(path: path, exceptions: [], type: type))
        state.withLock { state in
            state.live.formUnion(live.map(ConfigurationPath.init))
            if let help { state.help[path] = help }
        }
    }

    /// The meaning of the value at a path, if it was registered with one.
    func help(at path: ConfigurationPath) -> String? { state.withLock { $0.help[path] } }

    private func note(_ read: Read) {
        let key = Key(type: ObjectIdentifier(read.type), path: read.path, exceptions: read.exceptions)
        state.withLock { state in
            var read = read
            let known = state.reads[key]
            read.number = known?.number ?? state.reads.count
            read.again = read.again ?? known?.again
            state.reads[key] = read
        }
    }

    /// Accepts a path with all keys below it.
    func claim(_ path: ConfigurationPath) {
        state.withLock { _ = $0.claims.insert(path) }
    }

    /// Records that sections have variants, and accepts all keys below these.
    func register(_ variants: SectionVariants) {
        state.withLock { state in
            if state.variants.contains(variants) { return }
            state.variants.append(variants)
            state.claims.insert(ConfigurationPath(variants.collection))
        }
    }

    /// The sections that have variants.
    var variants: [SectionVariants] { state.withLock(\.variants) }

    /// The path that an option of a variant has in the section for all names; any other path as it is.
    func basePath(of path: ConfigurationPath) -> ConfigurationPath {
        variants.lazy.compactMap { $0.basePath(of: path) }.first ?? path
    }

    /// Records that the program follows the changes of a path.
    func follow(_ path: ConfigurationPath) {
        state.withLock { _ = $0.followed.insert(path) }
    }

    var claims: Set<ConfigurationPath> { state.withLock(\.claims) }

    var followedPaths: [String] { state.withLock { $0.followed.map(\.description) }.sorted() }

    /// Whether the program follows the changes of a path, or of a section around it. A program that follows an option
    /// follows it in all variants.
    func isFollowed(_ path: ConfigurationPath) -> Bool {
        let path = basePath(of: path)
        return state.withLock { $0.followed.contains { path.keys.starts(with: $0.keys) } }
    }

    /// Whether the program follows the changes of a path, or a module has said so.
    func isLive(_ path: ConfigurationPath) -> Bool {
        if isFollowed(path) { return true }
        let path = basePath(of: path)
        return state.withLock { $0.live.contains { path.keys.starts(with: $0.keys) } }
    }

    /// All that was read or registered, in that order.
    var all: [Read] { state.withLock { Array($0.reads.values) }.sorted { $0.number < $1.number } }

    /// The values that were read, in the order of the paths.
    var reads: [Read] { all.filter { $0.again != nil }.sorted { $0.path.description < $1.path.description } }
}
