internal import Logging
private import Synchronization

/// Keeps one instance in a registry: runs the first attempt and all later ones, and carries out the owner's requests.
/// One task runs it and makes every call of the entry, so that no two of them overlap.
final class RegistrationKeeper: Sendable {
    /// The owner's requests so far. Requests are counted, so that many of a kind are carried out in one step.
    private struct Requests {
        var updates = 0
        var removals = 0
        var isReleased = false

        /// Whether the owner has taken the instance out.
        var isStopped: Bool { removals > 0 || isReleased }
    }

    /// The outcome of all requests up to a number.
    private struct Answer {
        var count = 0
        var failure: RegistryError?
    }

    let kept: KeptInstance
    /// Set by the task alone.
    let state = Watched(RegistrationState.registering(cause: nil))

    private let entry: any RegistryEntry
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let requests = Watched(Requests())
    private let updates = Watched(Answer())
    private let removals = Watched(Answer())

    init(_ instance: ServiceInstance, in entry: any RegistryEntry, logger: Logger, clock: any Clock<Duration>) {
        var logger = logger
        logger[metadataKey: "service"] = "\(instance.name)"
        logger[metadataKey: "id"] = "\(instance.id)"
        self.entry = entry
        self.clock = clock
        self.logger = logger
        kept = KeptInstance(instance, logger: logger)
    }

    // MARK: - Requests

    func update(_ next: ServiceInstance) async throws {
        let number = try requests.update { requests throws(RegistryError) in
            try kept.update(to: next, isDeregistered: requests.isStopped)
            requests.updates += 1
            return requests.updates
        }
        try await wait(for: number, in: updates)
    }

    func deregister() async throws {
        let number = requests.update { requests in
            requests.removals += 1
            return requests.removals
        }
        try await wait(for: number, in: removals)
    }

    func requestRelease() {
        requests.update { $0.isReleased = true }
    }

    private func wait(for number: Int, in answers: Watched<Answer>) async throws {
        if let answer = await answers.first(where: { $0.count >= number }) {
            if let failure = answer.failure { throw failure }
        } else if Task.isCancelled || answers === updates {
            // The registration was given up before the update was written.
            throw CancellationError()
        }
    }

    // MARK: - The task

    /// Keeps the instance registered until the owner releases it. Dropping the registration cancels the task, which ends it
    /// too.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepRegistered() }
            _ = await requests.first(where: \.isStopped)
            group.cancelAll()
        }
        state.setIfChanged(.deregistered)
        updates.finish()
        await remove()
        // Unstructured, so that everything is given back although this task may be cancelled. The entry has a limit.
        await Task { await self.release() }.value
        removals.finish()
        state.finish()
    }

    /// Keeps the instance registered until the task is cancelled.
    private func keepRegistered() async {
        var attempts = RegistrationAttempts()
        var wasHeld = false
        while true {
            let number = requests.value.updates
            let failure = await write()
            // A success counts although the task is cancelled: the entry is released later.
            if Task.isCancelled { return }
            let pause: Duration
            if let failure {
                let failure = attempts.failed(failure)
                state.setIfChanged(wasHeld ? .lost(cause: failure.cause) : .registering(cause: failure.cause))
                // A start that requires the registration throws a refusal, so it is not logged as well.
                let isRefused = failure.cause.isPermanent && !wasHeld
                logger.log(
                    level: failure.isNew && !isRefused ? .warning : .debug,
                    "cannot register; trying again",
                    metadata: ["cause": "\(failure.cause)"]
                )
                updates.set(Answer(count: number, failure: failure.cause))
                pause = failure.pause
            } else {
                logHeld(again: wasHeld)
                wasHeld = true
                state.setIfChanged(.registered)
                updates.set(Answer(count: number))
                var (loss, update): (RegistryError, Int?) = (.cancelled, nil)
                let time = await clock.measure { (loss, update) = await hold() }
                if Task.isCancelled { return }
                logger.warning("registration lost; putting it back", metadata: ["cause": "\(loss)"])
                state.setIfChanged(.lost(cause: loss))
                if let update { updates.set(Answer(count: update, failure: loss)) }
                pause = attempts.lost(loss, heldFor: time)
            }
            if await waitOrUpdate(pause) { attempts.waited(pause) }
            if Task.isCancelled { return }
        }
    }

    /// Keeps what is written, and writes updates, until the entry is lost. Returns the loss, and the number of the
    /// update that brought it about, if one did.
    private func hold() async -> (loss: RegistryError, update: Int?) {
        await withTaskGroup(of: (RegistryError, Int?)?.self) { group in
            group.addTask { [self] in
                let loss = await failure { try await entry.keep(kept) }
                return (loss ?? RegistryError(code: .unavailable, message: "the registry was shut down"), nil)
            }
            group.addTask { [self] in
                while let number = await nextUpdate() {
                    if let failure = await write() { return (failure, number) }
                    updates.set(Answer(count: number))
                }
                return nil
            }
            defer { group.cancelAll() }
            for await case let loss? in group { return loss }
            return (.cancelled, nil)
        }
    }

    /// Waits for an update that has not been answered; `nil` when the task is cancelled.
    private func nextUpdate() async -> Int? {
        let answered = updates.value.count
        return await requests.first { $0.updates > answered }?.updates
    }

    private func write() async -> RegistryError? {
        await failure { try await entry.write(kept) }
    }

    /// Removes the entry each time that the owner asks for it, until the owner releases the instance.
    private func remove() async {
        var number = 0
        while let request = await requests.first(where: { $0.removals > number || $0.isReleased }), !request.isReleased
        {
            number = request.removals
            // Unstructured: a removal that does not end cannot keep the release from being done.
            let removal = Task { [number] in
                let failure = await failure { try await entry.remove() }
                if failure == nil, removals.value.count == 0 { logger.info("deregistered") }
                removals.set(Answer(count: number, failure: failure))
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [number, removals] in _ = await removals.first { $0.count >= number } }
                group.addTask { [requests] in _ = await requests.first(where: \.isReleased) }
                await group.next()
                group.cancelAll()
            }
            removal.cancel()
        }
    }

    private func release() async {
        guard let failure = await failure({ try await entry.release() }) else { return }
        logger.warning("entry left behind", metadata: ["cause": "\(failure)"])
    }

    /// Waits between two attempts. Returns whether it was the whole pause: an update ends it early.
    private func waitOrUpdate(_ pause: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [clock] in
                // When it is cancelled, nobody looks at the result.
                try? await clock.sleep(for: pause)
                return true
            }
            group.addTask { [self] in
                _ = await nextUpdate()
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private func failure(_ body: () async throws -> Void) async -> RegistryError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? RegistryError ?? RegistryError(code: .unavailable, message: "\(error)")
        }
    }

    private func logHeld(again: Bool) {
        let endpoints = kept.published.endpoints.map(\.description).joined(separator: " ")
        logger.log(
            level: again ? .notice : .info,
            again ? "registration restored" : "registered",
            metadata: ["endpoints": "\(endpoints)"]
        )
    }
}

extension RegistryError {
    /// The task was cancelled; nobody is told.
    fileprivate static let cancelled = RegistryError(code: .unavailable, message: "cancelled")
}
