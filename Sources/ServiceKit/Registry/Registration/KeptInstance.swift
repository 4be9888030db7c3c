internal import Logging
private import ServiceKitConfig
private import Synchronization

/// An instance that a registration keeps in a registry: as its owner wants it, with the labels that operators have changed.
///
/// Operators reach it in one of two ways. Where they ask the owner, ``adopt(_:)`` takes their changes. Where they write the
/// entry themselves, the backend reports each version of the entry by its revision: ``wrote(_:at:)`` its own,
/// ``found(_:at:)`` any that it comes across. A backend without operators needs ``published`` alone.
public final class KeptInstance: Sendable {
    /// How many instances are remembered that may have been written.
    static let maxWritten = 16

    private struct State {
        var owned: OwnedInstance
        /// The latest version of the entry that is known; nothing before it was first written.
        var known: (revision: Int64, instance: ServiceInstance)?
        /// The versions that are being written, and those whose write got no answer.
        var written: [ServiceInstance] = []
    }

    private let state: Mutex<State>
    private let logger: Logger

    init(_ instance: ServiceInstance, logger: Logger) {
        state = Mutex(State(owned: OwnedInstance(instance)))
        self.logger = logger
    }

    /// The instance as the registry is to hold it.
    public var published: ServiceInstance { state.withLock(\.owned.published) }

    /// The latest revision of the entry that is known; `nil` before it was first written, and where a backend reports none.
    public var revision: Int64? { state.withLock(\.known?.revision) }

    func update(to next: ServiceInstance, isDeregistered: Bool) throws(RegistryError) {
        try state.withLock { state throws(RegistryError) in
            try state.owned.wanted.validateUpdate(to: next, isDeregistered: isDeregistered)
            state.owned.wanted = next
        }
    }

    // MARK: - Operators that ask the owner

    /// Takes over the labels that an operator sets, given the instance as it is published now; `nil` removes a label.
    /// Returns the new instance. The backend then writes it.
    ///
    /// - Throws: ``RegistryError`` with code `invalidInstance` when a label cannot be set; any error of `changes`.
    @discardableResult
    public func adopt(_ changes: (ServiceInstance) throws -> [String: String?]) throws -> ServiceInstance {
        let (seen, next) = try state.withLock { state in
            let seen = state.owned.published
            let next = try seen.settingMetadata(try changes(seen))
            state.owned.adopt(metadata: next.metadata)
            return (seen, next)
        }
        logLabels(of: next, insteadOf: seen)
        return next
    }

    // MARK: - Operators that write the entry

    /// The version to write next. It is remembered, since a watch may see it before the answer comes, or instead of it.
    public func nextToWrite() -> ServiceInstance {
        state.withLock { state in
            let next = state.owned.published
            if state.written.last != next { state.written.append(next) }
            if state.written.count > Self.maxWritten { state.written.removeFirst() }
            return next
        }
    }

    /// Takes note of the registry's answer: the instance is known by its revision from now on, so that an operator may
    /// write the same again; `nil` when it was not written. A revision counts even if it is lower than the last: the
    /// registry may have lost its data, and count from the start.
    public func wrote(_ instance: ServiceInstance, at revision: Int64?) {
        state.withLock { state in
            if let index = state.written.firstIndex(of: instance) { state.written.remove(at: index) }
            if let revision { state.known = (revision, instance) }
        }
    }

    /// Compares this owner's entry, by its instance and its revision, with the known version. If an operator has
    /// changed labels, they are adopted. Returns who has written the entry, and whether it has to be put right.
    public func found(_ found: ServiceInstance, at revision: Int64) -> Finding {
        let (finding, seen): (Finding, ServiceInstance?) = state.withLock { state in
            // Nobody has seen the instance yet that is being registered: the entry is from an earlier attempt.
            guard let known = state.known else { return (.refused, nil) }
            if revision <= known.revision { return (.own, nil) }
            if state.written.contains(found) {
                state.known = (revision, found)
                return (.own, nil)
            }
            // The operator may have seen an update that is under way.
            let bases = [known.instance] + state.written.reversed()
            guard let base = bases.first(where: { $0.differsOnlyInLabels(from: found) }) else { return (.refused, nil) }
            state.owned.adopt(metadata: found.metadata, insteadOf: base.metadata)
            state.known = (revision, found)
            return (.adopted, base)
        }
        if let seen { logLabels(of: found, insteadOf: seen) }
        return finding
    }

    private func logLabels(of next: ServiceInstance, insteadOf old: ServiceInstance) {
        let labels = OwnedInstance.changes(from: old.metadata, to: next.metadata)
        if labels.isEmpty { return }
        let text = labels.map { "\($0)=\($1 ?? "")" }.sorted().joined(separator: " ")
        logger.notice("labels set by an operator", metadata: ["labels": "\(URLSecrets.masked(text))"])
    }

    /// The result of ``found(_:at:)`` for an entry.
    public enum Finding: Hashable, Sendable {
        /// This owner has written it, or a later version is known.
        case own
        /// An operator has changed labels, which are adopted now.
        case adopted
        /// Another has written it: the entry has to be written again.
        case refused
    }
}

extension ServiceInstance {
    fileprivate func differsOnlyInLabels(from other: ServiceInstance) -> Bool {
        var copy = self
        copy.metadata = other.metadata
        return copy == other
    }
}
