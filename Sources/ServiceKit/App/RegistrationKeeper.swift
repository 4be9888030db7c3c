internal import Logging
internal import ServiceKitConcurrency
private import Synchronization

/// Registers an App's instance, tries again after failures, follows the registration, and takes it out at the end.
final class RegistrationKeeper: Sendable {
    private enum State {
        /// Trying; with the last failure.
        case registering(lastFailure: (any Error)?)
        /// A failure that trying again does not mend.
        case failed(any Error)
        case registered(any Registration)
        /// Given up: a registration that still comes is released at once.
        case closed
    }

    private let registrar: any Registrar
    private let instance: ServiceInstance
    private let retriesAll: Bool
    private let isRegistered: Watched<Bool>
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let state = Watched(State.registering(lastFailure: nil))
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// How long to wait before an id is tried again whose owner may have crashed.
    private static let heldPause = Duration.milliseconds(500)

    /// Creates a keeper, which does nothing yet.
    ///
    /// - Parameters:
    ///   - retriesAll: Try again even after failures that somebody else must mend, such as an id in use.
    ///   - isRegistered: Told whether the registry holds the instance.
    init(
        registrar: any Registrar,
        instance: ServiceInstance,
        retriesAll: Bool,
        isRegistered: Watched<Bool>,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.registrar = registrar
        self.instance = instance
        self.retriesAll = retriesAll
        self.isRegistered = isRegistered
        self.clock = clock
        self.logger = logger
    }

    // MARK: - In

    /// Starts to register, and to follow the registration; ``release()`` ends it.
    func start() {
        // Unstructured, so that a registry that does not answer cannot keep the App from ending: `release` waits for it,
        // within a limit.
        let task = Task {
            if let registration = await register() { await follow(registration) }
        }
        self.task.withLock { $0 = task }
    }

    /// Waits for the first registration.
    ///
    /// - Throws: The failure that trying again does not mend, or `CancellationError`.
    func waitUntilRegistered() async throws {
        for await state in state.values {
            switch state {
            case .registering: continue
            case .registered: return
            case .failed(let error): throw error
            case .closed: throw CancellationError()
            }
        }
        throw CancellationError()
    }

    /// What the last attempt failed with, while there was no success.
    var lastFailure: (any Error)? {
        guard case .registering(let failure) = state.value else { return nil }
        return failure
    }

    private var isTrying: Bool {
        if case .registering = state.value { !Task.isCancelled } else { false }
    }

    /// Tries again with growing waits.
    private func register() async -> (any Registration)? {
        var backoff = Backoff()
        var held = HeldID()
        while isTrying {
            do {
                let registration = try await registrar.register(instance)
                if adopt(registration) { return registration }
                // In a task of its own, since this one may be cancelled, and the lease is to be given back all the same.
                await Task { await registration.release() }.value
            } catch {
                guard isTrying else { break }
                var pause = backoff.next()
                var isNew = true
                if !retriesAll, let error = error as? RegistryError, !error.code.isTransient {
                    isNew = held.isNew
                    if let failure = held.failure(after: error) {
                        move(to: .failed(failure))
                        break
                    }
                    pause = Self.heldPause
                    held.waits(pause)
                }
                move(to: .registering(lastFailure: error))
                if isNew { logger.warning("cannot register; trying again", metadata: ["error": "\(error)"]) }
                // When it is cancelled the loop ends.
                try? await clock.sleep(for: pause)
            }
        }
        return nil
    }

    /// Moves on while registering.
    ///
    /// - Returns: `false` when it is closed.
    @discardableResult
    private func move(to next: State) -> Bool {
        state.update { state in
            guard case .registering = state else { return false }
            state = next
            return true
        }
    }

    private func adopt(_ registration: any Registration) -> Bool {
        guard isTrying else { return false }
        // Said first, so that the log has it before what waits for it.
        logger.info("registered", metadata: description)
        guard move(to: .registered(registration)) else { return false }
        isRegistered.setIfChanged(true)
        return true
    }

    /// Says what is lost and found again.
    private func follow(_ registration: any Registration) async {
        var wasLost = false
        for await state in registration.state.values {
            isRegistered.setIfChanged(state == .registered)
            switch state {
            case .lost(let cause):
                wasLost = true
                logger.warning("registration lost; putting it back", metadata: ["cause": "\(cause)"])
            case .registered where wasLost:
                wasLost = false
                logger.info("registration restored", metadata: description)
            case .registered, .deregistered:
                break
            }
        }
    }

    // MARK: - Out

    /// Whether there is a registration to take out.
    var hasRegistration: Bool { registration != nil }

    private var registration: (any Registration)? {
        if case .registered(let registration) = state.value { registration } else { nil }
    }

    /// Gives up to register, if that is not done.
    func close() {
        let isClosed = state.update { state in
            if case .registered = state { return false }
            state = .closed
            return true
        }
        if isClosed { task.withLock(\.self)?.cancel() }
    }

    /// Takes the instance out of the registry.
    ///
    /// - Throws: What the registry says.
    func deregister() async throws {
        guard let registration else { return }
        try await registration.deregister()
        isRegistered.setIfChanged(false)
        logger.info("deregistered", metadata: description)
    }

    /// Gives back what carried the registration, and ends.
    func release() async {
        let task = task.withLock(\.self)
        task?.cancel()
        await registration?.release()
        await task?.value
    }

    private var description: Logger.Metadata {
        [
            "service": "\(instance.name)", "id": "\(instance.id)",
            "endpoints": "\(instance.endpoints.map(\.description).joined(separator: " "))",
        ]
    }
}
