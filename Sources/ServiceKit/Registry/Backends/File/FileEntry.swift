import Logging
import Synchronization

/// The entry of one instance, from its owner's side: a file that the owner keeps open and locked.
final class FileEntry: RegistryEntry {
    /// The pauses before attempts to take the lock: a process that cleans up holds it for a moment only.
    private static let pauses: [Duration] = [0, 1, 2, 4, 8, 16].map { .milliseconds($0) }

    private let place: InstanceFile
    private let root: FileRegistryDirectory
    private let watcher: DirectoryWatcher
    private let queue: FileQueue
    private let logger: Logger
    /// Touched in the queue only, so the lock is always free.
    private let file = Mutex<OwnedInstanceFile?>(nil)

    init(
        _ place: InstanceFile,
        in root: FileRegistryDirectory,
        watcher: DirectoryWatcher,
        queue: FileQueue,
        logger: Logger
    ) {
        self.place = place
        self.root = root
        self.watcher = watcher
        self.queue = queue
        self.logger = logger
    }

    func write(_ instance: KeptInstance) async throws {
        for pause in Self.pauses {
            try await Task.sleep(for: pause)
            if try await inQueue({ (entry, file) throws(SystemError) in try entry.put(instance, &file) }) { return }
        }
        throw try await queue.run { [place] in
            place.ownedError("is already registered", remedy: "or register under another id")
        }
    }

    func keep(_ instance: KeptInstance) async throws {
        while !Task.isCancelled {
            let subscription = try await queue.run { [watcher, place] () throws(SystemError) in
                try watcher.subscribe(to: place.directory, files: [place.name, LabelRequest.name(for: place)])
            }
            defer { subscription.cancel() }
            repeat {
                let isKept = try await inQueue { (entry, file) throws(SystemError) in
                    try entry.check(&file, instance)
                }
                if !isKept { throw RegistryError(code: .lost, message: "file registry: \(place.path) was deleted") }
            } while await subscription.next()?.isGone == false
        }
    }

    func remove() async throws {
        try await inQueue { (_, file) throws(SystemError) in
            // Closed in any case: without its lock, the file counts no more.
            defer { file = nil }
            try file?.remove()
        }
    }

    // MARK: - In the queue

    private func inQueue<Output: Sendable>(
        _ step: @escaping @Sendable (FileEntry, inout OwnedInstanceFile?) throws(SystemError) -> Output
    ) async throws(RegistryError) -> Output {
        try await queue.run { [self] () throws(SystemError) in
            try file.withLock { (file) throws(SystemError) in try step(self, &file) }
        }
    }

    /// Writes the instance. Returns `false` when the lock is taken, or the directory is being deleted.
    private func put(_ instance: KeptInstance, _ file: inout OwnedInstanceFile?) throws(SystemError) -> Bool {
        if try file?.isInPlace() == true {
            try file?.publish(instance.published)
            return true
        }
        try root.create(for: place.service)
        do throws(SystemError) {
            guard var claimed = try OwnedInstanceFile.claim(place) else { return false }
            do throws(SystemError) {
                try claimed.publish(instance.published)
            } catch {
                try? claimed.remove()
                throw error
            }
            // A request that lies there at first was meant for an earlier owner.
            if file == nil { try? LabelRequest.remove(for: place) }
            file = claimed
            return true
        } catch  where error.isAbsence {
            return false
        }
    }

    /// Returns whether the file is still there. If so, puts right what another process has written over it, and takes
    /// up an operator's request.
    private func check(_ file: inout OwnedInstanceFile?, _ instance: KeptInstance) throws(SystemError) -> Bool {
        guard let held = file, try held.isInPlace() else { return false }
        if try !held.isIntact() {
            // Still locked, so no watcher need see the instance gone.
            try file?.publish(instance.published)
            logger.warning("instance's file was written over; restored")
        }
        do throws(SystemError) {
            try takeUpRequest(&file, instance)
        } catch {
            // The request stays there until the operator gives up.
            logger.warning("cannot take up an operator's request", metadata: ["cause": "\(error)"])
        }
        return true
    }

    private func takeUpRequest(_ file: inout OwnedInstanceFile?, _ instance: KeptInstance) throws(SystemError) {
        switch try LabelRequest.find(for: place) {
        case .nothing:
            return
        case .request(let request):
            do {
                try instance.adopt { _ in request.labels }
            } catch {
                return try refuseRequest("\(error)")
            }
            try file?.publish(instance.published)
            // That tells the operator.
            try LabelRequest.remove(for: place)
        case .garbage(let reason):
            try refuseRequest(reason)
        }
    }

    private func refuseRequest(_ reason: String) throws(SystemError) {
        try LabelRequest.remove(for: place)
        logger.warning(
            "removed a file that is no operator's request",
            metadata: ["path": "\(LabelRequest.path(for: place))", "cause": "\(reason)"]
        )
    }
}
