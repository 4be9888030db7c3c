public import ServiceKit
import ServiceKitConcurrency

/// The suite that every registry backend passes; see ``Check`` for its demands.
///
/// It needs no test framework: a failed check throws ``ConformanceFailure``. With Swift Testing:
///
/// ```swift
/// let conformance = RegistryConformance(name: "mine") { MyRegistry(…) }
///
/// @Test(arguments: conformance.checks)
/// func conforms(_ check: RegistryConformance.Check) async throws {
///     try await conformance.run(check)
/// }
/// ```
///
/// Nothing waits longer than the timeout. Each check uses a service name of its own, so that checks can run side by
/// side on one registry.
public struct RegistryConformance: Sendable {
    /// Actions that differ among backends, so that the suite cannot do them by itself. A check whose hook is missing is not
    /// in ``RegistryConformance/checks``.
    public struct Hooks: Sendable {
        /// The second half of a hook.
        public typealias Action = @Sendable () async throws -> Void

        /// Registers an instance from an owner that can be killed: another process, say. The action ends the owner without
        /// giving it a chance to deregister.
        public var mortalOwner: (@Sendable (ServiceInstance) async throws -> Action)?
        /// Puts an entry that is no instance among those of a service.
        public var plantGarbage: (@Sendable (_ service: String) async throws -> Void)?
        /// Returns once a registry has no watch and holds nothing for one.
        public var waitUntilIdle: (@Sendable (any Registry) async -> Void)?
        /// Takes the registry away, at least where it concerns a service. The action brings it back.
        public var interrupt: (@Sendable (_ service: String) async throws -> Action)?
        /// Takes the registry away as ``interrupt`` does, and has it come back without the service's entries.
        public var interruptAndForget: (@Sendable (_ service: String) async throws -> Action)?
        /// Has another owner take an instance's entry, and give it up when it is restored.
        public var takeOver: (@Sendable (ServiceInstance) async throws -> Action)?

        /// Whether the registry is a `RegistryOperator`; by default it is.
        public var isOperator = true
        /// Whether the registry can name its services (`Discoverer.services()`); by default it can.
        public var canListServices = true

        /// None.
        public init() {}
    }

    let name: String
    let timeout: Duration
    let instanceCount: Int
    let hooks: Hooks
    let makeRegistry: @Sendable () async throws -> any Registry

    /// Creates the suite for a backend.
    ///
    /// - Parameters:
    ///   - name: The backend's name, for failures.
    ///   - timeout: The most that anything is waited for, by default 30 s.
    ///   - instanceCount: How many instances the check for many registers, by default 1000.
    ///   - hooks: The actions that differ among backends.
    ///   - makeRegistry: Another view of one and the same registry, as another process would have it. The suite runs it
    ///     (``/ServiceKit/Registry``).
    public init(
        name: String,
        timeout: Duration = .seconds(30),
        instanceCount: Int = 1000,
        hooks: Hooks = Hooks(),
        makeRegistry: @escaping @Sendable () async throws -> any Registry
    ) {
        self.name = name
        self.timeout = timeout
        self.instanceCount = instanceCount
        self.hooks = hooks
        self.makeRegistry = makeRegistry
    }

    /// The checks that can be run with the hooks there are.
    public var checks: [Check] { Check.allCases.filter { $0.isPossible(hooks) } }

    /// Runs one check.
    ///
    /// - Throws: ``ConformanceFailure`` when the backend fails it, or a hook is missing; else what the registry or a
    ///   hook threw.
    public func run(_ check: Check) async throws {
        let run = ConformanceRun(self, check)
        guard check.isPossible(hooks) else { throw run.failure("a hook that it needs is missing") }
        let outcome = await Result(catching: { try await check.body(run) })
        await run.finish()
        try outcome.get()
    }
}

extension RegistryConformance {
    /// One demand of the suite.
    public struct Check: Sendable, Hashable, CaseIterable, CustomStringConvertible {
        /// The demand.
        public let description: String

        let isPossible: @Sendable (Hooks) -> Bool
        let body: @Sendable (ConformanceRun) async throws -> Void

        init(
            _ description: String,
            needs isPossible: @escaping @Sendable (Hooks) -> Bool = { _ in true },
            _ body: @escaping @Sendable (ConformanceRun) async throws -> Void
        ) {
            self.description = description
            self.isPossible = isPossible
            self.body = body
        }

        /// Whether it is the same check.
        public static func == (left: Check, right: Check) -> Bool {
            left.description == right.description
        }

        /// Hashes the description.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(description)
        }

        /// All of them.
        public static let allCases: [Check] = [
            unknownService, registeredIsListed, roundTrip, takenIDIsRefused, oneWinner, releasedIDIsFree,
            updateReplaces, deregisterKeepsOut, invalidNames, registeringBeforeRunning,
            comingAndGoing, orderOfUpdates, updateInPlace, likeNamesApart, allSeeTheSame, cancellationFrees,
            servicesAreNamed, operatorsLabels, operatorsLabelsStay, operatorsErrors, operatorsLabelsReturn,
            offlineAndBack,
            ownersDeath, unreadableIsSkipped, thousandInstances,
            awayAndBack, updateWhileAway, forgottenInstances, takenOver,
        ]
    }
}
