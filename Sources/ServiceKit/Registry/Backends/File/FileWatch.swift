internal import ServiceKitConcurrency

/// Follows one service of a file registry.
struct FileWatch: Sendable {
    private let directory: FileRegistryDirectory
    private let reader: ServiceReader
    private let watcher: DirectoryWatcher
    private let queue: FileQueue
    private let secondLook: Duration
    private let feed: ServiceFeed

    /// Whether the directory was deleted since it was last read.
    private var wasDeleted = false
    private var backoff = Backoff(maximum: .seconds(2))

    init(
        directory: FileRegistryDirectory,
        reader: ServiceReader,
        watcher: DirectoryWatcher,
        queue: FileQueue,
        secondLook: Duration,
        feed: ServiceFeed
    ) {
        self.directory = directory
        self.reader = reader
        self.watcher = watcher
        self.queue = queue
        self.secondLook = secondLook
        self.feed = feed
    }

    /// Watches until the task is cancelled.
    mutating func run() async {
        while !Task.isCancelled {
            do throws(SystemError) {
                if let subscription = try await subscribe() {
                    try await follow(subscription)
                    continue
                }
                found([])
            } catch {
                // Deleted between two steps; nothing is known to be wrong.
                if !error.isAbsence { feed.change { $0.interrupted(error.description) } }
            }
            try? await Task.sleep(for: backoff.next())
        }
    }

    /// Starts to listen, before anything is read.
    ///
    /// - Returns: `nil` when nobody has registered yet and this user may not create the service's directory.
    private func subscribe() async throws(SystemError) -> DirectorySubscription? {
        try await queue.run { [directory, reader, watcher] () throws(SystemError) in
            do throws(SystemError) {
                try directory.create(for: reader.service)
            } catch {
                let isOnlyEmpty = error.isRefusal && FileStatus.isDirectory(directory.path)
                guard isOnlyEmpty, try FileStatus.ofLink(reader.directory) == nil else { throw error }
                return nil
            }
            return try watcher.subscribe(to: reader.directory)
        }
    }

    /// Reads everything, then what changes, until the directory is gone.
    private mutating func follow(_ subscription: DirectorySubscription) async throws(SystemError) {
        defer { subscription.cancel() }
        guard let all = try await readAll() else { return }
        found(all)
        backoff.reset()
        queue.after(secondLook) { [weak subscription] in subscription?.add { $0.insertEverything() } }

        while let changes = await subscription.next() {
            if changes.isGone {
                wasDeleted = true
                return
            }
            if changes.everything {
                guard let all = try await readAll() else { return }
                found(all)
            } else {
                try await read(changes.names, subscription)
            }
        }
    }

    private func readAll() async throws(SystemError) -> [ServiceInstance]? {
        try await queue.run { [reader] () throws(SystemError) in try reader.instances() }
    }

    private func read(
        _ names: [String: Duration?],
        _ subscription: DirectorySubscription
    ) async throws(SystemError) {
        let changes: [(id: String, instance: ServiceInstance?)] = try await queue.run {
            [reader, queue] () throws(SystemError) in
            var changes: [(id: String, instance: ServiceInstance?)] = []
            for (name, pause) in names {
                guard let id = InstanceFile.id(inName: name) else { continue }
                let instance = try reader.instance(inFile: name)
                if instance != nil, let pause { subscription.lookAgain(at: name, after: pause, on: queue) }
                changes.append((id, instance))
            }
            return changes
        }
        feed.change { view in
            for (id, instance) in changes {
                if let instance { view.update(instance) } else { view.remove(id: id) }
            }
        }
    }

    private mutating func found(_ instances: [ServiceInstance]) {
        feed.change { [wasDeleted] in $0.replace(with: instances, lostData: wasDeleted) }
        wasDeleted = false
    }
}
