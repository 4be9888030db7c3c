import Glibc
import Logging
import ServiceKitConfig
import Synchronization

/// Reads the directory of one service.
struct ServiceReader: Sendable {
    let directory: String
    let service: String
    let oddities: Oddities

    /// The instances; `nil` when the directory is missing. Removes what dead owners left.
    func instances() throws(SystemError) -> [ServiceInstance]? {
        guard let names = try names() else { return nil }
        var instances: [ServiceInstance] = []
        for name in names {
            if TemporaryName.matches(name) {
                removeLeftover("\(directory)/\(name)")
            } else if let id = LabelRequest.id(inName: name) {
                // Its owner is gone, and nobody will take it up.
                let instance = "\(directory)/\(InstanceFile.name(of: id))"
                if isAbsent(instance) { unlink("\(directory)/\(name)") }
            } else if let instance = try instance(inFile: name) {
                instances.append(instance)
            }
        }
        return instances
    }

    /// The instance that a file of the directory holds; `nil` when it holds none whose owner lives.
    func instance(inFile name: String) throws(SystemError) -> ServiceInstance? {
        guard let id = InstanceFile.id(inName: name) else { return nil }
        let file = InstanceFile(directory: directory, service: service, id: id)
        switch try file.read() {
        case .live(let instance):
            oddities.forget(file.path)
            return instance
        case .nothing:
            oddities.forget(file.path)
        case .leftover(let version):
            // Once for each, since closing a file that may not be removed wakes every watcher.
            if oddities.isNew(file.path, version), Leftover.remove(file.path, version) { oddities.forget(file.path) }
        case .foreign(let version, let reason):
            oddities.report(file.path, version, reason: reason)
        }
        return nil
    }

    /// Whether there is no such file. One that cannot be looked at, such as one whose name is too long, may be there.
    private func isAbsent(_ path: String) -> Bool {
        do throws(SystemError) {
            return try FileStatus.ofLink(path) == nil
        } catch {
            return false
        }
    }

    private func removeLeftover(_ temporary: String) {
        guard let status = try? FileStatus.ofLink(temporary), status.isRegular else { return }
        Leftover.remove(temporary, status.version)
    }

    private func names() throws(SystemError) -> [String]? {
        try DirectoryNames.read(directory)
    }
}

/// The names in a directory.
enum DirectoryNames {
    /// Reads them; `nil` when the directory is missing.
    static func read(_ directory: String) throws(SystemError) -> [String]? {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return nil }
            throw SystemError("read directory", directory)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            // The entry is only as long as its name, so it must not be copied as a whole.
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { break }
            let name = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
            names.append(String(cString: name))
            errno = 0
        }
        guard errno == 0 else { throw SystemError("read directory", directory) }
        return names
    }
}

/// The files of a registry that are not as they should be, so that each is dealt with once per change.
final class Oddities: Sendable {
    /// The most files remembered; further ones are passed over in silence.
    static let maximumCount = 1024

    private let known = Mutex<[String: FileStatus.Version?]>([:])
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Whether a file in this state has not been seen yet; from now on it has.
    func isNew(_ path: String, _ version: FileStatus.Version?) -> Bool {
        known.withLock { known in
            if let last = known[path] {
                if last == version { return false }
            } else if known.count >= Self.maximumCount {
                return false
            }
            known[path] = .some(version)
            return true
        }
    }

    /// Forgets a file that is as it should be.
    func forget(_ path: String) {
        known.withLock { _ = $0.removeValue(forKey: path) }
    }

    /// Logs that a file is skipped.
    func report(_ path: String, _ version: FileStatus.Version?, reason: String) {
        guard isNew(path, version) else { return }
        logger.warning(
            "skipped a file of the registry", metadata: ["path": "\(path)", "cause": "\(URLSecrets.masked(reason))"])
    }
}
