internal import ServiceKitConcurrency

/// Follows one service of a file registry.
struct FileWatch: Sendable {
    /// How long instances are kept, as stale, that have gone with their directory: their owners put them back at once.
    static let grace = Duration.seconds(2)

    let root: FileRegistryDirectory
    let reader: ServiceReader
    let watcher: DirectoryWatcher
    let queue: FileQueue
    /// The time of the second look; see ``FileRegistry/init(_:logger:mayUseInotify:secondLook:)``.
    let secondLook: Duration
    let feed: ServiceFeed

    /// Watches until the task is cancelled.
    func run() async {
        var backoff = Backoff(maximum: .seconds(2))
        var wasDeleted = false
        while !Task.isCancelled {
            do throws(RegistryError) {
                if let subscription = try await subscribe() {
                    defer { subscription.cancel() }
                    guard try await readAll(lostData: wasDeleted) else { continue }
                    wasDeleted = false
                    backoff.reset()
                    queue.after(secondLook) { [weak subscription] in subscription?.add { $0.insertEverything() } }
                    try await follow(subscription)
                    wasDeleted = true
                    continue
                }
                feed.change { $0.replace(with: []) }
            } catch {
                feed.change { $0.interrupted(error.message) }
            }
            try? await Task.sleep(for: backoff.next())
        }
    }

    /// Starts to listen, before anything is read.
    ///
    /// - Returns: `nil` when nobody has registered yet and this user may not create the service's directory.
    private func subscribe() async throws(RegistryError) -> DirectorySubscription? {
        try await queue.run { [root, reader, watcher] () throws(SystemError) in
            do throws(SystemError) {
                try root.create(for: reader.service)
            } catch {
                let isOnlyEmpty = error.isRefusal && FileStatus.isDirectory(root.path)
                guard isOnlyEmpty, try FileStatus.ofLink(reader.directory) == nil else { throw error }
                return nil
            }
            return try watcher.subscribe(to: reader.directory)
        }
    }

    /// Reads what changes, until the directory is gone.
    private func follow(_ subscription: DirectorySubscription) async throws(RegistryError) {
        while let changes = await subscription.next(), !changes.isGone {
            if changes.everything {
                guard try await readAll() else { return }
            } else {
                try await read(changes.names, subscription)
            }
        }
    }

    /// Reads all instances.
    ///
    /// - Returns: Whether the directory is there.
    private func readAll(lostData: Bool = false) async throws(RegistryError) -> Bool {
        let found = try await queue.run { [reader] () throws(SystemError) in try reader.instances() }
        guard let found else { return false }
        feed.change { $0.replace(with: found, lostData: lostData) }
        return true
    }

    private func read(
        _ names: [String: Duration?],
        _ subscription: DirectorySubscription
    ) async throws(RegistryError) {
        let found = try await queue.run { [reader, queue] () throws(SystemError) in
            var found: [(id: String, instance: ServiceInstance?)] = []
            for (name, pause) in names {
                guard let id = InstanceFile.id(inName: name) else { continue }
                let instance = try reader.instance(inFile: name)
                if instance != nil, let pause { subscription.lookAgain(at: name, after: pause, on: queue) }
                found.append((id, instance))
            }
            return found
        }
        feed.change { view in
            for (id, instance) in found {
                if let instance { view.update(instance) } else { view.remove(id: id) }
            }
        }
    }
}
