public import EtcdClient
import Foundation
import Synchronization

/// Follows the instances of a service in etcd, by hand, and hands out their addresses in turn.
public final class ServiceDiscovery: Sendable {
    private struct State {
        var addresses: [String: Address] = [:]
        var picks = 0
    }

    private let client: EtcdClient
    private let prefix: String
    private let state = Mutex(State())

    /// Creates the list of a service's instances; ``list()`` fills it.
    public init(_ client: EtcdClient, service: String) {
        self.client = client
        // With the slash at the end, `user` does not find the keys of `user-admin`.
        prefix = "/services/\(service)/"
    }

    /// Reads the instances of now, and returns the revision that "now" is.
    public func list() async throws -> Revision {
        let list = try await client.get(.prefix(prefix))
        for entry in list.entries { put(entry) }
        return list.revision
    }

    /// Follows every change from a revision on, until the task is cancelled. None is missed, and none comes twice.
    ///
    /// - Throws: `EtcdError` if etcd refuses, or no longer has the changes that were missed.
    public func watch(from revision: Revision) async throws {
        for try await update in client.watch(.prefix(prefix), .with { $0.from = revision }) {
            guard case .events(let events) = update else { continue }
            for event in events {
                switch event.kind {
                case .put: put(event.entry)
                case .delete: state.withLock { $0.addresses[event.entry.keyText] = nil }
                }
            }
        }
    }

    /// The known addresses, by their keys.
    public var addresses: [String: Address] { state.withLock(\.addresses) }

    /// The next address: round robin, in the order of the keys. `nil` if no instance is known.
    public func next() -> Address? {
        state.withLock { state in
            guard !state.addresses.isEmpty else { return nil }
            let keys = state.addresses.keys.sorted()
            defer { state.picks += 1 }
            return state.addresses[keys[state.picks % keys.count]]
        }
    }

    private func put(_ entry: KeyValue) {
        // One bad value is skipped: it must not hide the others.
        guard let address = try? JSONDecoder().decode(Address.self, from: Data(entry.value)) else { return }
        state.withLock { $0.addresses[entry.keyText] = address }
    }
}
