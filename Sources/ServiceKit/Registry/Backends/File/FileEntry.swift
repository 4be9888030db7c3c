import Logging
import Synchronization

/// The entry of one instance in a file registry, from its owner's side: its file, which is put right when someone writes over
/// it.
final class FileEntry: RegistryEntry {
    private let file = Mutex<OwnedInstanceFile?>(nil)
    private let place: InstanceFile
    private let directory: FileRegistryDirectory
    private let watcher: DirectoryWatcher
    private let queue: FileQueue
    private let logger: Logger

    /// The pauses in which a held lock may turn out to be that of someone who is only cleaning up.
    private static let secondThoughts: [Duration] = [1, 2, 4, 8, 16].map { .milliseconds($0) }
    /// How often to look whether the file is still there when the kernel cannot tell.
    private static let unwatchedInterval = Duration.seconds(1)

    init(
        _ place: InstanceFile,
        directory: FileRegistryDirectory,
        watcher: DirectoryWatcher,
        queue: FileQueue,
        logger: Logger
    ) {
        self.place = place
        self.directory = directory
        self.watcher = watcher
        self.queue = queue
        self.logger = logger
    }

    // MARK: - RegistryEntry

    func write(_ instance: KeptInstance) async throws {
        for pause in Self.secondThoughts {
            if try await put(instance) { return }
            try await Task.sleep(for: pause)
        }
        guard try await put(instance) else { throw await alreadyRegistered() }
    }

    func keep(_ instance: KeptInstance) async throws {
        var subscription: DirectorySubscription?
        defer { subscription?.cancel() }
        while !Task.isCancelled {
            if subscription == nil { subscription = await subscribe() }
            guard try await inQueue({ (file, entry) throws(SystemError) in try entry.check(&file, instance) }) else {
                throw RegistryError(code: .lost, message: "file registry: \(place.path) was deleted")
            }
            await takeUpRequest(instance)
            guard let current = subscription else {
                try? await Task.sleep(for: Self.unwatchedInterval)
                continue
            }
            if let changes = await current.next(), changes.isGone {
                current.cancel()
                subscription = nil
            }
        }
    }

    func remove() async throws {
        try await inQueue { (file, _) throws(SystemError) in
            // Closed in any case: unlocked, it counts no more.
            defer { file = nil }
            try file?.remove()
        }
    }

    // MARK: - In the queue

    /// Runs one step.
    private func inQueue<Output: Sendable>(
        _ step: @escaping @Sendable (inout OwnedInstanceFile?, FileEntry) throws(SystemError) -> Output
    ) async throws -> Output {
        try await translating {
            try await queue.run { [self] () throws(SystemError) in
                try file.withLock { (file) throws(SystemError) in try step(&file, self) }
            }
        }
    }

    /// Writes the instance unless somebody else holds its file.
    ///
    /// - Returns: Whether it was written; if not, somebody else has the lock, or is just deleting the directory.
    private func put(_ instance: KeptInstance) async throws -> Bool {
        try await inQueue { (file, entry) throws(SystemError) in
            if var held = file, try held.isInPlace() {
                try held.publish(instance.published)
                file = held
                return true
            }
            let isFirst = file == nil
            file = nil
            try entry.directory.create(for: entry.place.service)
            do throws(SystemError) {
                guard var claimed = try OwnedInstanceFile.claim(entry.place) else { return false }
                do throws(SystemError) {
                    try claimed.publish(instance.published)
                } catch {
                    try? claimed.remove()
                    throw error
                }
                file = claimed
            } catch {
                if error.isAbsence { return false }
                throw error
            }
            // A request that lies there was meant for an earlier owner.
            if isFirst { try? LabelRequest.remove(for: entry.place) }
            return true
        }
    }

    /// Looks whether the file is still the one written, and puts it right if somebody wrote over it.
    ///
    /// - Returns: Whether it is in place.
    private func check(_ file: inout OwnedInstanceFile?, _ instance: KeptInstance) throws(SystemError) -> Bool {
        guard var held = file, try held.isInPlace() else { return false }
        if try held.isIntact() { return true }
        // It is still this owner's and locked, so that nobody need see it gone.
        try held.publish(instance.published)
        file = held
        logger.warning("instance's file was written over; restored", metadata: metadata)
        return true
    }

    private func subscribe() async -> DirectorySubscription? {
        try? await queue.run { [watcher, place] () throws(SystemError) in
            try watcher.subscribe(to: place.directory, files: [place.name, LabelRequest.name(for: place)])
        }
    }

    // MARK: - Operators

    /// Does what an operator asks for.
    private func takeUpRequest(_ instance: KeptInstance) async {
        do {
            try await inQueue { (file, entry) throws(SystemError) in
                guard var held = file else { return }
                let changes: [String: String?]
                switch try LabelRequest.find(for: entry.place) {
                case .nothing: return
                case .garbage(let reason): return try entry.refuseRequest(reason)
                case .request(let request): changes = request.labels
                }
                do {
                    try instance.adopt { _ in changes }
                } catch {
                    return try entry.refuseRequest("\(error)")
                }
                try held.publish(instance.published)
                file = held
                // Which is how the operator knows.
                try LabelRequest.remove(for: entry.place)
            }
        } catch {
            // It stays where it is, until whoever left it gives up.
            logger.warning(
                "cannot do what an operator asks for",
                metadata: metadata.merging(["cause": "\(error)"]) { $1 }
            )
        }
    }

    private func refuseRequest(_ reason: String) throws(SystemError) {
        try LabelRequest.remove(for: place)
        logger.warning(
            "removed what is no operator's request",
            metadata: ["path": "\(LabelRequest.path(for: place))", "cause": "\(reason)"]
        )
    }

    private func alreadyRegistered() async -> RegistryError {
        let owner = await queue.run { [place] in place.ownerProcess() }
        return RegistryError(
            code: .alreadyRegistered,
            message: "file registry: instance \"\(place.id)\" of service \"\(place.service)\" is already registered"
                + (owner.map { " by process \($0)" } ?? "")
                + " (\(place.path)); stop that one, or register under another id"
        )
    }

    private var metadata: Logger.Metadata {
        ["instance": "\(place.id)", "service": "\(place.service)", "path": "\(place.path)"]
    }
}

/// Gives callers of the registry its kind of error.
func translating<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
        return try await body()
    } catch let error as SystemError {
        throw error.registryError
    }
}
