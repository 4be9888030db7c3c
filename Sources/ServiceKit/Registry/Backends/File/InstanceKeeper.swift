import Logging
internal import ServiceKitConcurrency
internal import ServiceKitConfig
import Synchronization

/// Keeps one instance in a file registry: owns its file, and puts it back when someone deletes it.
final class InstanceKeeper: Sendable {
    private enum Phase {
        case held(OwnedInstanceFile)
        case lost(cause: String)
        case takenOut

        var status: RegistrationState {
            switch self {
            case .held: .registered
            case .lost(let cause): .lost(cause: cause)
            case .takenOut: .deregistered
            }
        }
    }

    private struct State {
        var instance: OwnedInstance
        var phase = Phase.lost(cause: "not registered yet")
    }

    /// What ``RegistrationState`` follows from the phase. Set in the queue only, so in the order of the phases.
    let status: Watched<RegistrationState>

    private let state: Mutex<State>
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
        _ instance: ServiceInstance,
        directory: FileRegistryDirectory,
        watcher: DirectoryWatcher,
        queue: FileQueue,
        logger: Logger
    ) {
        let state = State(instance: OwnedInstance(instance))
        self.state = Mutex(state)
        status = Watched(state.phase.status)
        place = InstanceFile(directory: directory.path(of: instance.name), service: instance.name, id: instance.id)
        self.directory = directory
        self.watcher = watcher
        self.queue = queue
        self.logger = logger
    }

    var instance: ServiceInstance { state.withLock(\.instance.published) }

    // MARK: - What the owner asks for

    /// Registers the instance for the first time.
    func register() async throws {
        for pause in Self.secondThoughts {
            if try await inQueue(Self.begin) { return }
            try await Task.sleep(for: pause)
        }
        guard try await inQueue(Self.begin) else { throw await alreadyRegistered() }
    }

    /// Replaces the instance.
    func update(_ instance: ServiceInstance) async throws {
        let isDone = try await inQueue { (state, keeper) throws in
            var isDeregistered = false
            if case .takenOut = state.phase { isDeregistered = true }
            try state.instance.wanted.validateUpdate(to: instance, isDeregistered: isDeregistered)
            return try Self.replace(with: instance, &state, keeper)
        }
        if !isDone { throw await alreadyRegistered() }
    }

    /// Takes the instance out for good.
    func takeOut() async throws {
        try await inQueue { (state, _) throws(SystemError) in
            if case .held(let file) = state.phase { try file.remove() }
            state.phase = .takenOut
        }
    }

    // MARK: - Keeping it

    /// Watches over the file until the task is cancelled, then takes the instance out.
    func run() async {
        var backoff = Backoff()
        var subscription: DirectorySubscription?
        loop: while !Task.isCancelled {
            if subscription == nil { subscription = await subscribe() }
            switch await check() {
            case .registered:
                await takeUpRequest()
                backoff.reset()
                guard let current = subscription else {
                    try? await Task.sleep(for: Self.unwatchedInterval)
                    continue
                }
                if let changes = await current.next(), changes.isGone {
                    current.cancel()
                    subscription = nil
                }
            case .lost:
                try? await Task.sleep(for: backoff.next())
                await putBack()
            case .deregistered:
                break loop
            }
        }
        subscription?.cancel()
        await close()
    }

    private func subscribe() async -> DirectorySubscription? {
        try? await queue.run { [watcher, place] () throws(SystemError) in
            try watcher.subscribe(to: place.directory, files: [place.name, LabelRequest.name(for: place)])
        }
    }

    /// Looks whether the file is still the one written.
    private func check() async -> RegistrationState {
        do throws(SystemError) {
            return try await inQueue { (state, keeper) throws(SystemError) in
                guard case .held(var file) = state.phase, try !file.isIntact() else { return state.phase.status }
                if try file.isInPlace() {
                    // Somebody wrote over it. It is still ours and locked, so that nobody need see it gone.
                    try file.publish(state.instance.published)
                    state.phase = .held(file)
                    keeper.logger.warning("instance's file was written over; restored", metadata: keeper.metadata)
                } else {
                    state.phase = .lost(cause: "\(keeper.place.path) was deleted")
                    keeper.logger.warning("instance lost", metadata: keeper.metadata)
                }
                return state.phase.status
            }
        } catch {
            return .lost(cause: error.description)
        }
    }

    /// Does what an operator asks for.
    private func takeUpRequest() async {
        do throws(SystemError) {
            try await inQueue { (state, keeper) throws(SystemError) in
                guard case .held(var file) = state.phase else { return }
                let changes: [String: String?]
                let seen: ServiceInstance
                switch try LabelRequest.find(for: keeper.place) {
                case .nothing: return
                case .garbage(let reason): return try keeper.refuseRequest(reason)
                case .request(let request): changes = request.labels
                }
                do throws(RegistryError) {
                    seen = try state.instance.published.settingMetadata(changes)
                } catch {
                    return try keeper.refuseRequest(error.message)
                }
                var next = state.instance
                next.adopt(metadata: seen.metadata)
                try file.publish(next.published)
                state.instance = next
                state.phase = .held(file)
                let labels = changes.map { "\($0)=\($1 ?? "")" }.sorted().joined(separator: " ")
                keeper.logger.notice(
                    "labels set by an operator",
                    metadata: keeper.metadata.merging(["labels": "\(URLSecrets.masked(labels))"]) { $1 }
                )
                // Which is how the operator knows.
                try LabelRequest.remove(for: keeper.place)
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

    private func putBack() async {
        do throws(SystemError) {
            try await inQueue { (state, keeper) throws(SystemError) in
                guard case .lost = state.phase else { return }
                do throws(SystemError) {
                    if try Self.put(&state, keeper) {
                        keeper.logger.notice("instance registered again", metadata: keeper.metadata)
                    } else {
                        state.phase = .lost(cause: "\(keeper.place.path) has another owner")
                    }
                } catch {
                    state.phase = .lost(cause: error.description)
                    throw error
                }
            }
        } catch {
            logger.debug("instance not registered again yet", metadata: metadata.merging(["cause": "\(error)"]) { $1 })
        }
    }

    private func close() async {
        await inQueue { (state, keeper) in
            if case .held(let file) = state.phase {
                do throws(SystemError) {
                    try file.remove()
                } catch {
                    // Unlocked all the same, it counts no more.
                    keeper.logger.warning(
                        "instance's file left behind",
                        metadata: keeper.metadata.merging(["cause": "\(error)"]) { $1 }
                    )
                }
            }
            state.phase = .takenOut
        }
        status.finish()
    }

    // MARK: - In the queue

    /// Runs one transition; the status follows.
    private func inQueue<Output: Sendable, Failure: Error>(
        _ transition: @escaping @Sendable (inout State, InstanceKeeper) throws(Failure) -> Output
    ) async throws(Failure) -> Output {
        try await queue.run { [self] () throws(Failure) in
            defer { status.setIfChanged(state.withLock(\.phase.status)) }
            return try state.withLock { (state) throws(Failure) in try transition(&state, self) }
        }
    }

    /// Creates the file for the first time. A request that lies there was meant for an earlier owner.
    private static func begin(_ state: inout State, _ keeper: InstanceKeeper) throws(SystemError) -> Bool {
        guard try put(&state, keeper) else { return false }
        try? LabelRequest.remove(for: keeper.place)
        return true
    }

    /// Creates the file unless it is held.
    ///
    /// - Returns: Whether it is held now; if not, somebody else has its lock, or is just deleting the directory.
    private static func put(_ state: inout State, _ keeper: InstanceKeeper) throws(SystemError) -> Bool {
        guard case .lost = state.phase else { return true }
        try keeper.directory.create(for: keeper.place.service)
        do throws(SystemError) {
            guard var file = try OwnedInstanceFile.claim(keeper.place) else { return false }
            do throws(SystemError) {
                try file.publish(state.instance.published)
            } catch {
                try? file.remove()
                throw error
            }
            state.phase = .held(file)
            return true
        } catch {
            if error.isAbsence { return false }
            throw error
        }
    }

    /// Writes another version of the instance; the old one stays if that fails.
    ///
    /// - Returns: Whether it was written; if not, somebody else has the lock.
    private static func replace(
        with instance: ServiceInstance,
        _ state: inout State,
        _ keeper: InstanceKeeper
    ) throws(SystemError) -> Bool {
        let old = state.instance
        state.instance.wanted = instance
        var isDone = false
        defer { if !isDone { state.instance = old } }
        if case .held(var file) = state.phase, try file.isInPlace() {
            try file.publish(state.instance.published)
            state.phase = .held(file)
            isDone = true
        } else {
            state.phase = .lost(cause: "\(keeper.place.path) was deleted")
            isDone = try put(&state, keeper)
        }
        return isDone
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
