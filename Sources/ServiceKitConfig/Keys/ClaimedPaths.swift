import Synchronization

/// The paths that the program has asked for.
///
/// Their number is bounded by the number of places in the program that decode a section.
final class ClaimedPaths: Sendable {
    private let paths = Mutex<Set<ConfigurationPath>>([])

    func insert(_ path: ConfigurationPath) {
        paths.withLock { _ = $0.insert(path) }
    }

    var all: Set<ConfigurationPath> { paths.withLock { $0 } }
}
