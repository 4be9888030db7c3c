import Glibc
import Logging
import ServiceKitConfig
import Synchronization

struct ServiceReader: Sendable {
    let directory: String
    let service: String
    let oddities: Oddities

    /// The instances; `nil` when the directory is missing. Removes leftovers of dead owners.
    func instances() throws(SystemError) -> [ServiceInstance]? {
        guard let names = try DirectoryNames.read(directory) else { return nil }
        var instances: [ServiceInstance] = []
        for name in names {
            let path = "\(directory)/\(name)"
            if TemporaryFile.matches(name) {
                if let status = try? FileStatus.ofLink(path), status.isRegular { Leftover.remove(path, status) }
            } else if let id = LabelRequest.id(inName: name) {
                // Without an owner, nobody will take the request up. A name that is too long cannot be looked up.
                let owner = "\(directory)/\(InstanceFile.name(of: id))"
                if FileStatus.isAbsent(owner) { unlink(path) }
            } else if let instance = try instance(inFile: name) {
                instances.append(instance)
            }
        }
        return instances
    }

    /// The instance in a file of the directory; `nil` when there is none with a living owner.
    func instance(inFile name: String) throws(SystemError) -> ServiceInstance? {
        guard let id = InstanceFile.id(inName: name) else { return nil }
        let file = InstanceFile(directory: directory, service: service, id: id)
        switch try file.read() {
        case .live(let instance):
            oddities.forget(file.path)
            return instance
        case .nothing:
            oddities.forget(file.path)
        case .leftover(let status):
            // Once for each, since closing a file that may not be removed wakes every watcher.
            if oddities.isNew(file.path, status), Leftover.remove(file.path, status) { oddities.forget(file.path) }
        case .foreign(let status, let reason):
            oddities.report(file.path, status, reason: reason)
        }
        return nil
    }
}

/// The files of a registry that are not as they should be, so that each is dealt with once per change.
final class Oddities: Sendable {
    /// The most files remembered; further ones are passed over in silence.
    static let maximumCount = 1024

    private let known = Mutex<[String: FileStatus?]>([:])
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Whether a file in this state is seen for the first time.
    func isNew(_ path: String, _ status: FileStatus?) -> Bool {
        known.withLock { known in
            let last = known[path]
            if last == nil, known.count >= Self.maximumCount { return false }
            known[path] = .some(status)
            return last != .some(status)
        }
    }

    /// Forgets a file that is as it should be.
    func forget(_ path: String) {
        known.withLock { _ = $0.removeValue(forKey: path) }
    }

    func report(_ path: String, _ status: FileStatus?, reason: String) {
        guard isNew(path, status) else { return }
        logger.warning(
            "skipped a file of the registry", metadata: ["path": "\(path)", "cause": "\(URLSecrets.masked(reason))"])
    }
}
