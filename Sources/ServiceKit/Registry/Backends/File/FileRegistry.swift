import FoundationEssentials
public import Logging
public import ServiceKitConfig

/// A registry in a directory, for all processes of one machine; needs no server.
///
/// Each instance is one JSON file, `<directory>/<service>/<id>.json`. Its owner keeps the file open and locked. When a
/// process ends, however it ends, the kernel closes its files and so releases the locks; watchers are told by inotify
/// and see the instance gone within milliseconds, without a time to live. Where there is no inotify they look once a
/// second. The directory must be on a local file system.
///
/// What a dead owner left is ignored, and removed by whoever sees it and may. A file that is deleted while its owner
/// lives is put back. Files that are no instances are skipped and logged.
///
/// New directories have the permissions 0755 and files 0644, less the umask; the default directory is 0700, for
/// services of one user. To share a directory among users, create it with a group and permissions of your choice.
public final class FileRegistry: Registry, RegistryOperator, RegistryBackend {
    /// What stands under `registry.file`.
    public struct Options: ConfigurationSection {
        /// Where the files are. By default `$XDG_RUNTIME_DIR/servicekit`, else `servicekit-<uid>` in `$TMPDIR` or
        /// `/tmp`.
        public var directory: String?

        /// The default directory.
        public init() {}
    }

    /// `file`.
    public static let name = "file"

    /// Makes the registry; its directory is created when it is first used.
    public static func make(_ options: Options, logger: Logger) throws -> any Registry {
        FileRegistry(directory: options.directory, logger: logger)
    }

    private let root: FileRegistryDirectory
    private let queue: FileQueue
    private let oddities: Oddities
    private let logger: Logger
    private let secondLook: Duration
    let watcher: DirectoryWatcher

    /// Creates a registry; its directory is created when it is first used.
    ///
    /// - Parameters:
    ///   - directory: Where the files are; by default as ``Options/directory`` says.
    ///   - logger: Where skipped files and lost registrations are logged.
    public convenience init(
        directory: String? = nil,
        logger: Logger = Logger(label: "servicekit.registry.file")
    ) {
        let environment = ProcessInfo.processInfo.environment
        self.init(
            directory.map(FileRegistryDirectory.init(path:)) ?? FileRegistryDirectory { environment[$0] },
            logger: logger
        )
    }

    /// Creates a registry.
    ///
    /// - Parameters:
    ///   - root: Where the files are.
    ///   - logger: Where skipped files and lost registrations are logged.
    ///   - mayUseInotify: Whether the kernel is asked to tell what changes.
    ///   - secondLook: When a watch checks its first look by another, since an owner may have been dying just then: its
    ///     file closed before anyone listened, and its lock not yet released.
    init(
        _ root: FileRegistryDirectory,
        logger: Logger,
        mayUseInotify: Bool = true,
        secondLook: Duration = .seconds(1)
    ) {
        self.root = root
        self.secondLook = secondLook
        self.logger = logger
        queue = FileQueue()
        oddities = Oddities(logger: logger)
        watcher = DirectoryWatcher(queue: queue, logger: logger, mayUseInotify: mayUseInotify)
    }

    /// Where the files are.
    public var directory: String { root.path }

    /// This machine.
    public var reach: RegistryReach { .machine }

    /// Registers an instance; see ``Registrar/register(_:)``. The registration's causes are `alreadyRegistered` when a living
    /// owner has the id, in this or another process; `permissionDenied` when the directory may not be written; `unavailable`
    /// when the disk is full, say.
    public func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
        let place = InstanceFile(directory: root.path(of: instance.name), service: instance.name, id: instance.id)
        let entry = FileEntry(place, directory: root, watcher: watcher, queue: queue, logger: logger)
        var logger = logger
        logger[metadataKey: "path"] = "\(place.path)"
        return try KeptRegistration(instance, in: entry, logger: logger)
    }

    /// The instances whose owners live; see ``Discoverer/instances(of:)``.
    public func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        return try await translating {
            try await queue.run { [root, reader = reader(of: service)] () throws(SystemError) in
                try root.refuseStrangers()
                return InstanceSet(try reader.instances() ?? [])
            }
        }
    }

    /// The names of the services with a living instance; see ``Discoverer/services()``.
    public func services() async throws -> [String] {
        try await translating {
            try await queue.run { [root, oddities] () throws(SystemError) in
                try root.refuseStrangers()
                var services: [String] = []
                for name in try DirectoryNames.read(root.path) ?? [] {
                    let path = root.path(of: name)
                    guard (try? ServiceInstance.validate(serviceName: name)) != nil, FileStatus.isDirectory(path) else {
                        continue
                    }
                    let reader = ServiceReader(directory: path, service: name, oddities: oddities)
                    do throws(SystemError) {
                        if try reader.instances()?.isEmpty == false { services.append(name) }
                    } catch {
                        // A directory that is closed to this user says nothing about the others.
                        if !error.isRefusal { throw error }
                        oddities.report(path, nil, reason: "\(error)")
                    }
                }
                return services.sorted()
            }
        }
    }

    /// Has an instance's owner change its labels; see ``RegistryOperator/changeMetadata(ofInstance:of:_:)``.
    ///
    /// Whoever may write in the service's directory can do so. The owner has three seconds to answer.
    /// - Throws: ``RegistryError``: `notFound` when no living owner has the id; `timeout` when the owner does not answer;
    ///   `permissionDenied`.
    public func changeMetadata(
        ofInstance id: String,
        of service: String,
        _ changes: @escaping @Sendable (ServiceInstance) throws -> [String: String?]
    ) async throws -> ServiceInstance {
        guard let found = try await instances(of: service)[id] else {
            throw RegistryError.notFound(id, of: service, in: Self.name)
        }
        let changes = try changes(found)
        if try found.settingMetadata(changes) == found { return found }
        let requester = LabelRequester(
            place: InstanceFile(directory: root.path(of: service), service: service, id: id),
            reader: reader(of: service),
            watcher: watcher,
            queue: queue
        )
        return try await translating { try await requester.run(changes) }
    }

    /// Refuses, since what is there has an owner that lives: what others leave is removed by whoever sees it.
    ///
    /// - Throws: ``RegistryError``: `notFound`, or `alreadyRegistered` with the owner's process.
    public func removeInstance(_ id: String, of service: String) async throws {
        guard try await instances(of: service)[id] != nil else {
            throw RegistryError.notFound(id, of: service, in: Self.name)
        }
        let place = InstanceFile(directory: root.path(of: service), service: service, id: id)
        let owner = await queue.run { place.ownerProcess() }
        throw RegistryError(
            code: .alreadyRegistered,
            message: "file registry: instance \"\(id)\" of service \"\(service)\" is kept by its owner"
                + (owner.map { ", process \($0)" } ?? "") + " (\(place.path)); stop that one, or take it offline"
        )
    }

    /// Follows a service; see ``Discoverer/watch(_:)``. Creates the service's directory if it is missing.
    public func watch(_ service: String) -> DiscoveryUpdates {
        DiscoveryUpdates(of: service) { [root, watcher, queue, secondLook, reader = reader(of: service)] feed in
            var watch = FileWatch(
                directory: root,
                reader: reader,
                watcher: watcher,
                queue: queue,
                secondLook: secondLook,
                feed: feed
            )
            await watch.run()
        }
    }

    private func reader(of service: String) -> ServiceReader {
        ServiceReader(directory: root.path(of: service), service: service, oddities: oddities)
    }
}
