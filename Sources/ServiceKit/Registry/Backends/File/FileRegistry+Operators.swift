internal import ServiceKitConcurrency

/// Only the owner writes an instance's file. So an operator leaves a ``LabelRequest``, and waits until the owner has taken
/// it up.
extension FileRegistry {
    /// The time that an owner has.
    private static let answerTimeout = Duration.seconds(3)
    /// The time that the requests of other operators have, which come first.
    private static let turnTimeout = Duration.seconds(10)

    /// Has an instance's owner change its labels; see ``RegistryOperator/changeMetadata(ofInstance:of:_:)``. Every user
    /// who may write in the service's directory can do so. The owner has three seconds to answer, after ten at most for
    /// other operators' requests.
    ///
    /// - Throws: ``RegistryError``: `notFound` when no living owner has the id; `timeout` when the owner does not
    ///   answer; `permissionDenied`.
    public func changeMetadata(
        ofInstance id: String,
        of service: String,
        _ changes: @escaping @Sendable (ServiceInstance) throws -> [String: String?]
    ) async throws -> ServiceInstance {
        let found = try await instance(id, of: service)
        let changes = try changes(found)
        if try found.settingMetadata(changes) == found { return found }
        let place = root.file(of: id, of: service)
        let changed = try await send(LabelRequest(labels: changes), to: place)
        guard try changed.settingMetadata(changes) == changed else { throw noAnswer(from: place) }
        return changed
    }

    /// Refuses, since each instance that is found has a living owner; see ``RegistryOperator/removeInstance(_:of:)``.
    ///
    /// - Throws: ``RegistryError``: `notFound`, or `alreadyRegistered` with the owner's process.
    public func removeInstance(_ id: String, of service: String) async throws {
        _ = try await instance(id, of: service)
        throw try await queue.run { [place = root.file(of: id, of: service)] in
            place.ownedError("is kept", remedy: "or take the instance offline")
        }
    }

    private func instance(_ id: String, of service: String) async throws -> ServiceInstance {
        if let instance = try await instances(of: service)[id] { return instance }
        throw RegistryError.notFound(id, of: service, in: Self.name)
    }

    /// Sends a request to an owner, and returns the instance after the owner has taken the request up.
    private func send(_ request: LabelRequest, to place: InstanceFile) async throws -> ServiceInstance {
        let changes = try await queue.run { [watcher] () throws(SystemError) in
            try watcher.subscribe(to: place.directory, files: [place.name, LabelRequest.name(for: place)])
        }
        defer { changes.cancel() }
        let sent = try await withDeadline(.now + Self.turnTimeout, onExpiry: noAnswer(from: place)) { [self] in
            try await retry(place, changes) { () throws(SystemError) in try request.leave(for: place) }
        }
        do {
            return try await withDeadline(.now + Self.answerTimeout, onExpiry: noAnswer(from: place)) { [self] in
                try await retry(place, changes) { () throws(SystemError) in
                    try LabelRequest.isLeft(for: place, sent) ? nil : ()
                }
                return try await live(place)
            }
        } catch {
            // This runs also when the time is over, or the operator's task is cancelled.
            try? await queue.run { () throws(SystemError) in
                if try LabelRequest.isLeft(for: place, sent) { try LabelRequest.remove(for: place) }
            }
            throw error
        }
    }

    /// Tries a step after every change until it has a result, as long as the owner lives.
    private func retry<Result: Sendable>(
        _ place: InstanceFile,
        _ changes: DirectorySubscription,
        _ step: @escaping @Sendable () throws(SystemError) -> Result?
    ) async throws -> Result {
        while true {
            if let result = try await queue.run(step) { return result }
            _ = try await live(place)
            guard await changes.next() != nil else { throw CancellationError() }
        }
    }

    private func live(_ place: InstanceFile) async throws -> ServiceInstance {
        let found = try await queue.run { [reader = reader(of: place.service)] () throws(SystemError) in
            try reader.instance(inFile: place.name)
        }
        if let found { return found }
        throw RegistryError.notFound(place.id, of: place.service, in: Self.name)
    }

    private func noAnswer(from place: InstanceFile) -> RegistryError {
        RegistryError(
            code: .timeout,
            message:
                "file registry: the owner of instance \"\(place.id)\" of service \"\(place.service)\" did not change "
                + "its labels within \(Self.answerTimeout); is it suspended, or older than this program? (\(place.path))"
        )
    }
}
