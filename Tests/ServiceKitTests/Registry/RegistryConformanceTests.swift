import ServiceKit
import ServiceKitTesting
import Testing

/// The conformance suite finds faults: the check for each fault fails, and its message says what was observed.
@Suite(.timeLimit(.minutes(1)))
struct RegistryConformanceTests {
    /// A memory registry with one fault.
    struct Faulty: Registry {
        enum Fault: CaseIterable {
            case overwritesDuplicates, keepsTheDeregistered, updatesWithAGap, updatesAnotherID, ignoresUpdates
            case mixesServices, acceptsAnyName, losesMetadata
            case watchIsSilent, watchEnds, watchIsAlwaysStale, watchMissesRemovals, watchStays

            var check: RegistryConformance.Check {
                switch self {
                case .overwritesDuplicates: .takenIDIsRefused
                case .keepsTheDeregistered: .deregisterKeepsOut
                case .updatesWithAGap: .updateInPlace
                case .updatesAnotherID, .ignoresUpdates: .updateReplaces
                case .mixesServices: .likeNamesApart
                case .acceptsAnyName: .invalidNames
                case .losesMetadata: .roundTrip
                case .watchIsSilent, .watchEnds, .watchIsAlwaysStale, .watchMissesRemovals: .comingAndGoing
                case .watchStays: .cancellationFrees
                }
            }

            /// The text of the failure; `nil` when the failure is a wait that does not end.
            var message: String? {
                switch self {
                case .overwritesDuplicates: "registering a taken id succeeded; expected the error alreadyRegistered"
                case .keepsTheDeregistered: "after deregister() the list is a (version 1), b (version 1), not b (v"
                case .updatesWithAGap: "were seen as a gap or a failure"
                case .updatesAnotherID: "updating to another id or name succeeded"
                case .ignoresUpdates: "the registration still has the old instance"
                case .mixesServices: "after register() the list is a (version 1), a2 (version )"
                case .acceptsAnyName: "succeeded; expected the error invalidInstance"
                case .losesMetadata: "after register() the list is a (version 1.2.3-β+build), not a (version 1.2.3-β"
                case .watchIsSilent, .watchEnds, .watchIsAlwaysStale, .watchMissesRemovals, .watchStays: nil
                }
            }
        }

        struct FaultyRegistration: Registration {
            let base: any Registration
            let registry: Faulty
            var instance: ServiceInstance { base.instance }
            var state: Watched<RegistrationState> { base.state }

            func update(_ instance: ServiceInstance) async throws {
                if registry.fault == .ignoresUpdates { return }
                if registry.fault == .updatesAnotherID, instance.id != base.instance.id { return }
                try await base.update(instance)
            }

            func deregister() async throws {
                if registry.fault != .keepsTheDeregistered { try await base.deregister() }
            }

            func release() async { await base.release() }
        }

        let fault: Fault
        let base = MemoryRegistry()

        func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
            var instance = instance
            if fault == .losesMetadata { instance.metadata = [:] }
            if fault == .acceptsAnyName, (try? instance.validate()) == nil { instance = accepted(instance) }
            let registry = fault == .overwritesDuplicates ? MemoryRegistry() : base
            return FaultyRegistration(base: try registry.register(instance), registry: self)
        }

        private func accepted(_ instance: ServiceInstance) -> ServiceInstance {
            ServiceInstance(id: "accepted", name: "accepted", endpoints: instance.endpoints)
        }

        func instances(of service: String) async throws -> InstanceSet {
            let instances = try await base.instances(of: service)
            guard fault == .mixesServices else { return instances }
            let others = try await base.instances(of: service + "-admin")
            return InstanceSet(Array(instances) + others.map { ServiceInstance(id: $0.id + "2", name: $0.name) })
        }

        func watch(_ service: String) -> DiscoveryUpdates {
            let updates = base.watch(service)
            return DiscoveryUpdates { [fault] emit in
                switch fault {
                case .watchIsSilent:
                    await untilCancelled()
                case .watchEnds:
                    var iterator = updates.makeAsyncIterator()
                    if let first = await iterator.next() { emit(first) }
                case .updatesWithAGap:
                    for await snapshot in updates {
                        emit(DiscoverySnapshot(instances: [], state: .live))
                        // A reader needs time to see one of fifty gaps.
                        for _ in 0..<100 { await Task.yield() }
                        emit(snapshot)
                    }
                default:
                    for await snapshot in updates {
                        var snapshot = snapshot
                        if fault == .watchIsAlwaysStale { snapshot.state = .stale(since: .now, cause: "always") }
                        let isRemoval = snapshot.instances.map(\.id) == ["b"]
                        if fault != .watchMissesRemovals || !isRemoval { emit(snapshot) }
                    }
                }
            }
        }
    }

    @Test(arguments: Faulty.Fault.allCases)
    func everyFaultIsFound(_ fault: Faulty.Fault) async throws {
        let registry = Faulty(fault: fault)
        var hooks = RegistryConformance.Hooks()
        hooks.waitUntilIdle = { _ in await untilCancelled() }
        // Long if the fault is found without waiting.
        let timeout = fault.message == nil ? Duration.seconds(1) : .seconds(30)
        let conformance = RegistryConformance(name: "faulty", timeout: timeout, hooks: hooks) { registry }
        let failure = await #expect(throws: ConformanceFailure.self) { try await conformance.run(fault.check) }
        let text = failure?.description ?? ""
        #expect(text.hasPrefix("faulty, check \"\(fault.check)\": "))
        #expect(text.contains(fault.message ?? "did not end within 1.0 seconds"), "\(text)")
    }

    @Test(arguments: StoreRegistry.Fault.allCases)
    func faultDuringAnOutageIsFound(_ fault: StoreRegistry.Fault) async throws {
        let timeout = fault == .stateStaysRegistered ? Duration.seconds(1) : .seconds(30)
        let failure = await #expect(throws: ConformanceFailure.self) {
            try await StoreRegistry.conformance(fault, timeout: timeout).run(fault.check)
        }
        #expect(failure?.description.contains(fault.message) == true, "\(String(describing: failure))")
    }

    @Test(arguments: StoreRegistry.conformance().checks)
    func aRegistryWithoutFaultConforms(_ check: RegistryConformance.Check) async throws {
        try await StoreRegistry.conformance().run(check)
    }

    @Test func checkWithoutItsHookFails() async {
        let conformance = RegistryConformance(name: "memory") { MemoryRegistry() }
        #expect(!conformance.checks.contains(.ownersDeath))
        #expect(conformance.checks.contains(.updateInPlace))
        await #expect(throws: ConformanceFailure.self) { try await conformance.run(.ownersDeath) }
    }

    @Test func checksHaveDifferentNames() {
        #expect(Set(RegistryConformance.Check.allCases).count == 29)
    }
}
