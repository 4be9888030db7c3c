internal import ServiceKitConcurrency

/// Follows one service of a file registry.
struct FileWatch: Sendable {
    /// How long instances are kept, as stale, that have gone with their directory: their owners put them back at once.
    static let grace = Duration.seconds(2)
    /// How long it is not believed that the last known instance has left its directory: where the whole directory is being
    /// deleted, its files go first, and it follows a moment later.
    private static let deletionPause = Duration.milliseconds(100)

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
                if let (subscription, place) = try await subscribe() {
                    defer { subscription.cancel() }
                    if try await readAll(in: place, lostData: wasDeleted) {
                        wasDeleted = false
                        backoff.reset()
                        queue.after(secondLook) { [weak subscription] in subscription?.add { $0.insertEverything() } }
                        try await follow(subscription, to: place)
                    }
                    wasDeleted = true
                    continue
                }
                feed.change { $0.replace(with: [], lostData: wasDeleted) }
            } catch {
                feed.change { $0.interrupted(error.message) }
            }
            try? await Task.sleep(for: backoff.next())
        }
    }

    /// Starts to listen, before anything is read. Returns the changes to come, and the directory that they are of;
    /// `nil` when nobody has registered yet and this user may not create the service's directory.
    private func subscribe() async throws(RegistryError) -> (DirectorySubscription, FileStatus)? {
        try await queue.run { [root, reader, watcher] () throws(SystemError) in
            do throws(SystemError) {
                try root.create(for: reader.service)
            } catch {
                let isOnlyEmpty = error.isRefusal && FileStatus.isDirectory(root.path)
                guard isOnlyEmpty, try FileStatus.ofLink(reader.directory) == nil else { throw error }
                return nil
            }
            guard let place = try FileStatus.ofLink(reader.directory) else { return nil }
            return (try watcher.subscribe(to: reader.directory), place)
        }
    }

    /// Reads what changes, until the directory is gone.
    private func follow(_ subscription: DirectorySubscription, to place: FileStatus) async throws(RegistryError) {
        while let changes = await subscription.next(), !changes.isGone {
            let isThere =
                if changes.everything {
                    try await readAll(in: place)
                } else {
                    try await read(changes.names, subscription, in: place)
                }
            if !isThere { return }
        }
    }

    /// Reads all instances, and returns whether the directory is there.
    private func readAll(in place: FileStatus, lostData: Bool = false) async throws(RegistryError) -> Bool {
        let look = { @Sendable [reader] () throws(SystemError) -> [ServiceInstance]? in try reader.instances() }
        guard var found = try await queue.run(look) else { return false }
        let ids = Set(found.map(\.id))
        if !lostData, isEmptied(where: { !ids.contains($0) }) {
            guard try await isStill(place), let again = try await queue.run(look) else { return false }
            found = again
        }
        feed.change { $0.replace(with: found, lostData: lostData) }
        return true
    }

    /// Reads the files of these names, and returns whether the directory is there.
    private func read(
        _ names: [String: Duration?],
        _ subscription: DirectorySubscription,
        in place: FileStatus
    ) async throws(RegistryError) -> Bool {
        let look = { @Sendable [reader, queue] () throws(SystemError) -> [String: ServiceInstance?] in
            var found: [String: ServiceInstance?] = [:]
            for (name, pause) in names {
                guard let id = InstanceFile.id(inName: name) else { continue }
                let instance = try reader.instance(inFile: name)
                if instance != nil, let pause { subscription.lookAgain(at: name, after: pause, on: queue) }
                found.updateValue(instance, forKey: id)
            }
            return found
        }
        var found = try await queue.run(look)
        // A file that was closed has lost its owner, whatever becomes of the directory.
        let wereDeleted = Set(found.filter { $1 == nil && names[InstanceFile.name(of: $0)] == .some(nil) }.keys)
        if isEmptied(where: wereDeleted.contains) {
            guard try await isStill(place) else { return false }
            found = try await queue.run(look)
        }
        feed.change { view in
            for (id, instance) in found {
                if let instance { view.update(instance) } else { view.remove(id: id) }
            }
        }
        return true
    }

    /// Whether all known instances have gone.
    private func isEmptied(where isGone: (String) -> Bool) -> Bool {
        let known = feed.instances
        return !known.isEmpty && known.allSatisfy { isGone($0.id) }
    }

    /// Whether the directory is in its place a moment later.
    private func isStill(_ place: FileStatus) async throws(RegistryError) -> Bool {
        try? await Task.sleep(for: Self.deletionPause)
        return try await queue.run { [reader] () throws(SystemError) in try place.isInPlace(at: reader.directory) }
    }
}
