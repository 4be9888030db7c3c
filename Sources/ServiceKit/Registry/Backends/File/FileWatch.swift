internal import ServiceKitConcurrency

/// Follows one service of a file registry.
struct FileWatch: Sendable {
    private let directory: FileRegistryDirectory
    private let reader: ServiceReader
    private let watcher: DirectoryWatcher
    private let queue: FileQueue
    private let secondLook: Duration
    private let emit: DiscoveryUpdates.Emitter

    private var instances = InstanceSet()
    private var told: DiscoverySnapshot?
    /// When the directory became unreadable.
    private var outage: ContinuousClock.Instant?
    private var backoff = Backoff(maximum: .seconds(2))

    init(
        directory: FileRegistryDirectory,
        reader: ServiceReader,
        watcher: DirectoryWatcher,
        queue: FileQueue,
        secondLook: Duration,
        emit: DiscoveryUpdates.Emitter
    ) {
        self.directory = directory
        self.reader = reader
        self.watcher = watcher
        self.queue = queue
        self.secondLook = secondLook
        self.emit = emit
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
                if !error.isAbsence { failed(error) }
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

        while let changes = await subscription.next(), !changes.isGone {
            if changes.everything {
                guard let all = try await readAll() else { return }
                found(all)
            } else {
                try await read(changes.names, subscription)
            }
        }
    }

    private func readAll() async throws(SystemError) -> InstanceSet? {
        try await queue.run { [reader, instances] () throws(SystemError) in
            guard let all = try reader.instances() else { return nil }
            var result = instances
            result.replace(with: all)
            return result
        }
    }

    private mutating func read(
        _ names: [String: Duration?],
        _ subscription: DirectorySubscription
    ) async throws(SystemError) {
        found(
            try await queue.run { [reader, queue, instances] () throws(SystemError) in
                var result = instances
                for (name, pause) in names {
                    guard let id = InstanceFile.id(inName: name) else { continue }
                    if let instance = try reader.instance(inFile: name) {
                        result.update(instance)
                        if let pause { subscription.lookAgain(at: name, after: pause, on: queue) }
                    } else {
                        result.remove(id: id)
                    }
                }
                return result
            }
        )
    }

    private mutating func found(_ current: InstanceSet) {
        instances = current
        outage = nil
        tell(.live)
    }

    private mutating func failed(_ error: SystemError) {
        let since = outage ?? .now
        outage = since
        tell(.stale(since: since, cause: error.description))
    }

    private mutating func tell(_ state: DiscoveryState) {
        let snapshot = DiscoverySnapshot(instances: instances, state: state)
        guard snapshot != told else { return }
        told = snapshot
        emit(snapshot)
    }
}
