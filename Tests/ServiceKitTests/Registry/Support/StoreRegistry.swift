import Logging
import ServiceKit
import ServiceKitTesting
import Synchronization

/// A registry that can be away, lose its entries, and have a fault.
struct StoreRegistry: Registry {
    /// A fault that shows only in an outage.
    enum Fault: CaseIterable {
        case stateStaysRegistered, watchBelievesAnEmptyStore, updateIsForgotten

        var check: RegistryConformance.Check {
            switch self {
            case .stateStaysRegistered: .takenOver
            case .watchBelievesAnEmptyStore: .forgottenInstances
            case .updateIsForgotten: .updateWhileAway
            }
        }

        var message: String {
            switch self {
            case .stateStaysRegistered: "the registration to be lost to somebody else did not end within"
            case .watchBelievesAnEmptyStore: "before they were put back, the watch saw an empty live set"
            case .updateIsForgotten: "the registration has a (version 1)"
            }
        }
    }

    /// The entries of all services, shared by all views.
    final class Store: Sendable {
        struct Contents {
            var entries: [String: (instance: ServiceInstance, owner: Int)] = [:]
            var awayFrom: Set<String> = []

            func check(_ service: String) throws {
                guard awayFrom.contains(service) else { return }
                throw RegistryError(code: .unavailable, message: "store: away")
            }
        }

        let contents = Watched(Contents())

        /// Makes the store unreachable for a service's callers.
        func interrupt(_ service: String, forgetting: Bool) -> RegistryConformance.Hooks.Action {
            contents.update { contents in
                contents.awayFrom.insert(service)
                if forgetting { contents.entries = contents.entries.filter { $1.instance.name != service } }
            }
            return { self.contents.update { _ = $0.awayFrom.remove(service) } }
        }

        func takeOver(_ instance: ServiceInstance) -> RegistryConformance.Hooks.Action {
            let key = "\(instance.name)/\(instance.id)"
            contents.update { $0.entries[key]?.owner = 0 }
            return { self.contents.update { $0.entries[key] = nil } }
        }
    }

    private static let owners = Atomic(1)

    let store: Store
    let fault: Fault?

    static func conformance(_ fault: Fault? = nil, timeout: Duration = .seconds(30)) -> RegistryConformance {
        let store = Store()
        var hooks = RegistryConformance.Hooks()
        hooks.interrupt = { store.interrupt($0, forgetting: false) }
        hooks.interruptAndForget = { store.interrupt($0, forgetting: true) }
        hooks.takeOver = { store.takeOver($0) }
        hooks.isOperator = false
        hooks.canListServices = false
        return RegistryConformance(name: "store", timeout: timeout, instanceCount: 100, hooks: hooks) {
            StoreRegistry(store: store, fault: fault)
        }
    }

    func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
        let owner = Self.owners.add(1, ordering: .relaxed).newValue
        let entry = Entry(
            store: store, key: "\(instance.name)/\(instance.id)", service: instance.name, owner: owner, fault: fault)
        let registration = try KeptRegistration(instance, in: entry, logger: LogRecorder().logger())
        return fault == .updateIsForgotten ? Forgetful(base: registration) : registration
    }

    func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        let contents = store.contents.value
        try contents.check(service)
        return InstanceSet(contents.entries.values.map(\.instance).filter { $0.name == service })
    }

    func watch(_ service: String) -> DiscoveryUpdates {
        guard fault == .watchBelievesAnEmptyStore else {
            return DiscoveryUpdates(of: service) { feed in
                for await contents in store.contents.values {
                    let found = contents.entries.values.map(\.instance).filter { $0.name == service }
                    feed.change { view in
                        if contents.awayFrom.contains(service) {
                            view.interrupted("away")
                        } else {
                            view.replace(with: found)
                        }
                    }
                }
            }
        }
        return DiscoveryUpdates(of: service) { (emit: DiscoveryUpdates.Emitter) in
            var known = InstanceSet()
            for await contents in store.contents.values {
                let isAway = contents.awayFrom.contains(service)
                if !isAway {
                    known = InstanceSet(contents.entries.values.map(\.instance).filter { $0.name == service })
                }
                emit(DiscoverySnapshot(instances: known, state: isAway ? .stale(since: .now, cause: "away") : .live))
            }
        }
    }

    private struct Entry: RegistryEntry {
        let store: Store
        let key: String
        let service: String
        let owner: Int
        let fault: Fault?

        func write(_ instance: KeptInstance) async throws {
            try store.contents.update { contents in
                try contents.check(service)
                if let entry = contents.entries[key], entry.owner != owner {
                    throw RegistryError(code: .alreadyRegistered, message: "store: \(key) is taken")
                }
                contents.entries[key] = (instance.published, owner)
            }
        }

        func keep(_ instance: KeptInstance) async throws {
            if fault == .stateStaysRegistered {
                for await _ in store.contents.values {}
            }
            for await contents in store.contents.values {
                if contents.entries[key]?.owner != owner {
                    throw RegistryError(code: .lost, message: "store: \(key) was lost")
                }
            }
        }

        func remove() async throws {
            try store.contents.update { contents in
                try contents.check(service)
                if contents.entries[key]?.owner == owner { contents.entries[key] = nil }
            }
        }
    }

    /// A registration that forgets an update that fails.
    private struct Forgetful: Registration {
        let base: any Registration
        let updated = Watched<ServiceInstance?>(nil)

        init(base: any Registration) {
            self.base = base
        }

        var instance: ServiceInstance { updated.value ?? base.instance }
        var state: Watched<RegistrationState> { base.state }

        func update(_ instance: ServiceInstance) async throws {
            updated.set(base.instance)
            try await base.update(instance)
            updated.set(nil)
        }

        func deregister() async throws { try await base.deregister() }
        func release() async { await base.release() }
    }
}
