internal import ServiceKitConcurrency

/// An operator's side of a ``LabelRequest``: leaves it, and waits until the owner has done it.
struct LabelRequester: Sendable {
    /// How long an owner may take.
    static let patience = Duration.seconds(3)

    let place: InstanceFile
    let reader: ServiceReader
    let watcher: DirectoryWatcher
    let queue: FileQueue

    /// Has the owner change the labels.
    ///
    /// - Returns: The instance with the labels.
    func run(_ changes: [String: String?]) async throws -> ServiceInstance {
        let mine = Watched<FileStatus.Identity?>(nil)
        let subscription = try await queue.run { [watcher, place] () throws(SystemError) in
            try watcher.subscribe(to: place.directory, files: [place.name, LabelRequest.name(for: place)])
        }
        defer { subscription.cancel() }
        do {
            let request = LabelRequest(labels: changes)
            let instance = try await withDeadline(.now + Self.patience, onExpiry: noAnswer) {
                // Another operator's request comes first.
                while true {
                    mine.set(
                        try await queue.run { [place] () throws(SystemError) in try request.leave(for: place) }
                    )
                    if mine.value != nil { break }
                    try await waitForChange(subscription)
                }
                while try await isLeft() { try await waitForChange(subscription) }
                return try await live()
            }
            guard try instance.settingMetadata(changes) == instance else { throw noAnswer }
            return instance
        } catch {
            if let identity = mine.value {
                await queue.run { [place] in try? LabelRequest.remove(for: place, identity) }
            }
            throw error
        }
    }

    private func isLeft() async throws -> Bool {
        try await queue.run { [place] () throws(SystemError) in
            try FileStatus.ofLink(LabelRequest.path(for: place)) != nil
        }
    }

    /// The instance as it is now.
    private func live() async throws -> ServiceInstance {
        let found = try await queue.run { [reader, place] () throws(SystemError) in
            try reader.instance(inFile: place.name)
        }
        guard let found else { throw RegistryError.notFound(place.id, of: place.service, in: FileRegistry.name) }
        return found
    }

    private func waitForChange(_ subscription: DirectorySubscription) async throws {
        guard await subscription.next() != nil else { throw CancellationError() }
        _ = try await live()
    }

    private var noAnswer: RegistryError {
        RegistryError(
            code: .timeout,
            message:
                "file registry: the owner of instance \"\(place.id)\" of service \"\(place.service)\" did not change "
                + "its labels within \(Self.patience); is it suspended, or older than this program? (\(place.path))"
        )
    }
}
