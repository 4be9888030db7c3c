internal import ServiceKitConcurrency

/// An operator's side of a ``LabelRequest``: leaves it, and waits until the owner has taken it up.
struct LabelRequester: Sendable {
    /// The time that an owner has.
    static let timeout = Duration.seconds(3)

    let place: InstanceFile
    let reader: ServiceReader
    let watcher: DirectoryWatcher
    let queue: FileQueue

    /// Has the owner change the labels.
    ///
    /// - Returns: The instance with the labels.
    func run(_ changes: [String: String?]) async throws -> ServiceInstance {
        let subscription = try await queue.run { [watcher, place] () throws(SystemError) in
            try watcher.subscribe(to: place.directory, files: [place.name, LabelRequest.name(for: place)])
        }
        defer { subscription.cancel() }
        let instance = try await withDeadline(.now + Self.timeout, onExpiry: noAnswer) {
            let request = try await leave(LabelRequest(labels: changes), subscription)
            do {
                while try await isLeft(request) { try await waitForChange(subscription) }
                return try await live()
            } catch {
                // Also when the time is over, or the operator's task is cancelled.
                await queue.run { [place] in
                    if (try? LabelRequest.isLeft(for: place, request)) == true { try? LabelRequest.remove(for: place) }
                }
                throw error
            }
        }
        guard try instance.settingMetadata(changes) == instance else { throw noAnswer }
        return instance
    }

    /// Leaves the request as soon as there is no other.
    private func leave(_ request: LabelRequest, _ subscription: DirectorySubscription) async throws -> FileStatus {
        while true {
            let status = try await queue.run { [place] () throws(SystemError) in try request.leave(for: place) }
            if let status { return status }
            try await waitForChange(subscription)
        }
    }

    private func isLeft(_ request: FileStatus) async throws -> Bool {
        try await queue.run { [place] () throws(SystemError) in try LabelRequest.isLeft(for: place, request) }
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
                + "its labels within \(Self.timeout); is it suspended, or older than this program? (\(place.path))"
        )
    }
}
