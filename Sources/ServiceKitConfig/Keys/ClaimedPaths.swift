import Synchronization

/// The paths that the program has asked for. All copies of a configuration share them.
///
/// A path below a claimed path is not kept. So the number of paths is bounded by the number of places in the program
/// that decode a section.
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
