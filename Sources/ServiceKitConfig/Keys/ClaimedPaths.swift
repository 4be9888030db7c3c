import Synchronization

/// The paths that someone has asked for, shared by all copies of a configuration.
///
/// A path below a claimed one is not kept, so there are at most as many as there are places in the program that
/// decode something.
final class ClaimedPaths: Sendable {
    private let paths = Mutex<Set<ConfigurationPath>>([])

    func insert(_ path: ConfigurationPath) {
        paths.withLock { paths in
            guard !paths.contains(where: { path.starts(with: $0) }) else { return }
            paths.insert(path)
        }
    }

    var all: Set<ConfigurationPath> { paths.withLock { $0 } }
}
