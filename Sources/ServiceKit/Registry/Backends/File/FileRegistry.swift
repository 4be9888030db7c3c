import FoundationEssentials
public import Logging
public import ServiceKitConfig

/// A registry in a directory, for all processes of one machine; needs no server.
///
/// Each instance is one JSON file, `<directory>/<service>/<id>.json`. Its owner keeps the file open and locked. When a
/// process ends, however it ends, the kernel closes its files and so releases the locks; inotify tells the watchers, and
/// they see the instance gone within milliseconds, without a time to live. Where no inotify watch is left, they look once
/// a second. The directory must be on a local file system.
///
/// A dead owner's file is ignored, and removed by the first process that sees it and may. A file that is deleted while its
/// owner lives is put back. Files that are no instances are skipped and logged.
///
/// New directories have the permissions 0755 and files 0644, less the umask; the default directory is 0700, for
/// services of one user. To share a directory among users, create it with a group and permissions of your choice.
public final class FileRegistry: Registry, RegistryOperator, RegistryBackend {
    /// The options under `registry.file`.
    public struct Options: ConfigurationSection {
        /// The place of the files. By default `$XDG_RUNTIME_DIR/servicekit`, else `servicekit-<uid>` in `$TMPDIR` or
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

    let watcher: DirectoryWatcher
    let root: FileRegistryDirectory
    let queue = FileQueue()
    private let oddities: Oddities
    private let logger: Logger
    private let secondLook: Duration

    /// Creates a registry in a directory; by default as ``Options/directory`` says. The directory is created when it is
    /// first used. Skipped files and registrations are logged.
    public convenience init(directory: String? = nil, logger: Logger = Logger(label: "servicekit.registry.file")) {
        let environment = ProcessInfo.processInfo.environment
        self.init(
            directory.map(FileRegistryDirectory.init(path:)) ?? FileRegistryDirectory { environment[$0] },
            logger: logger
        )
    }

    /// A watch checks its first look by a second one. An owner may have been dying at the first: its file closed before
    /// anyone listened, and its lock not yet released.
    init(
        _ root: FileRegistryDirectory,
        logger: Logger,
        mayUseInotify: Bool = true,
        secondLook: Duration = .seconds(1)
    ) {
        self.root = root
        self.logger = logger
        self.secondLook = secondLook
        oddities = Oddities(logger: logger)
        watcher = DirectoryWatcher(queue: queue, logger: logger, mayUseInotify: mayUseInotify)
    }

    /// The place of the files.
    public var directory: String { root.path }

    /// This machine.
    public var reach: RegistryReach { .machine }

    /// Registers an instance; see ``Registrar/register(_:)``.
    ///
    /// The registration's causes are `alreadyRegistered` when a living owner has the id, in this or another process;
    /// `permissionDenied` when the directory may not be written; `unavailable` when the disk is full, say.
    public func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
        let place = root.file(of: instance.id, of: instance.name)
        var logger = logger
        logger[metadataKey: "path"] = "\(place.path)"
        let entry = FileEntry(place, in: root, watcher: watcher, queue: queue, logger: logger)
        return try KeptRegistration(instance, in: entry, logger: logger)
    }

    /// The instances whose owners live; see ``Discoverer/instances(of:)``.
    public func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        return try await queue.run { [root, reader = reader(of: service)] () throws(SystemError) in
            try root.refuseStrangers()
            return InstanceSet(try reader.instances() ?? [])
        }
    }

    /// The names of the services with a living instance; see ``Discoverer/services()``.
    public func services() async throws -> [String] {
        try await queue.run { [self] () throws(SystemError) in
            try root.refuseStrangers()
            var services: [String] = []
            for name in try DirectoryNames.read(root.path) ?? [] {
                let path = root.path(of: name)
                guard (try? ServiceInstance.validate(serviceName: name)) != nil, FileStatus.isDirectory(path) else {
                    continue
                }
                do throws(SystemError) {
                    if try reader(of: name).instances()?.isEmpty == false { services.append(name) }
                } catch {
                    // A directory that is closed to this user says nothing about the others.
                    if !error.isRefusal { throw error }
                    oddities.report(path, nil, reason: "\(error)")
                }
            }
            return services.sorted()
        }
    }

    /// Follows a service; see ``Discoverer/watch(_:)``. Creates the service's directory if it is missing.
    public func watch(_ service: String) -> DiscoveryUpdates {
        DiscoveryUpdates(of: service, grace: FileWatch.grace) {
            [root, reader = reader(of: service), watcher, queue, secondLook] feed in
            await FileWatch(
                root: root,
                reader: reader,
                watcher: watcher,
                queue: queue,
                secondLook: secondLook,
                feed: feed
            ).run()
        }
    }

    func reader(of service: String) -> ServiceReader {
        ServiceReader(directory: root.path(of: service), service: service, oddities: oddities)
    }
}

extension FileRegistry.Options {
    /// The meaning of each option.
    public static let help = [
        "directory": "the directory of the instances' files"
    ]
}
