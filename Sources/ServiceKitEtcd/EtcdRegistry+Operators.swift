internal import EtcdClient
public import ServiceKit

/// Changes entries that other processes own.
extension EtcdRegistry {
    /// How often to look again at a key that changes at the same time.
    private static let maxAttempts = 64

    /// Changes labels of an instance by compare and swap; see `RegistryOperator.changeMetadata(ofInstance:of:_:)`.
    ///
    /// The key gets other labels and keeps its lease and every other byte. Its owner, if it is of this kit, adopts the labels.
    /// Owners of go-kratos leave them alone, but forget them when they register again after an outage.
    /// - Throws: `RegistryError`: `notFound`; `unsupported` when another framework wrote the entry in a layout that has no
    ///   place for labels; `unavailable`, `timeout`, `permissionDenied`.
    public func changeMetadata(
        ofInstance id: String,
        of service: String,
        _ changes: @escaping @Sendable (ServiceInstance) throws -> [String: String?]
    ) async throws -> ServiceInstance {
        try await change(id, of: service, "change labels of") { entry in
            let instance: ServiceInstance
            do {
                instance = try layout.decode(entry.value, service: service, id: id)
            } catch {
                throw RegistryError(
                    code: .notFound,
                    message: "etcd registry: the key \(entry.keyText) is no instance: \(error)"
                )
            }
            let changes = try changes(instance)
            let next = try instance.settingMetadata(changes)
            let value = try layout.setting(changes, in: entry.value, of: instance)
            guard value != entry.value else { return (instance, nil) }
            return (next, .put(entry.key, value, lease: entry.lease))
        }
    }

    /// Removes an entry that lives by no lease, and so does not end by itself; see
    /// `RegistryOperator.removeInstance(_:of:)`.
    ///
    /// - Throws: `RegistryError`: `notFound`; `alreadyRegistered` when the entry lives by a lease: its owner renews it
    ///   and would put the entry back, and without an owner it ends after its time to live.
    public func removeInstance(_ id: String, of service: String) async throws {
        try await change(id, of: service, "remove") { entry in
            guard let lease = entry.lease else { return ((), .delete(.key(entry.key))) }
            throw RegistryError(
                code: .alreadyRegistered,
                message: "etcd registry: instance \"\(id)\" of service \"\(service)\" is kept by its owner (key "
                    + "\(entry.keyText), lease \(String(lease, radix: 16))); stop that one, or take it offline; when its "
                    + "owner is dead it ends by itself after its time to live"
            )
        }
    }

    /// Reads an entry and changes it, again if it has changed meanwhile. `change` gives the result for an entry, and
    /// the operation that brings it about; `nil` when none is needed. The action is for errors.
    private func change<Result>(
        _ id: String,
        of service: String,
        _ action: String,
        by change: (KeyValue) throws -> (result: Result, operation: Transaction.Operation?)
    ) async throws -> Result {
        try ServiceInstance.validate(serviceName: service)
        let key = keys.key(id, of: service)
        do {
            for _ in 0..<Self.maxAttempts {
                guard !id.isEmpty, let entry = try await client.get(key) else {
                    throw RegistryError.notFound(id, of: service, in: Self.name)
                }
                let (result, operation) = try change(entry)
                guard let operation else { return result }
                let condition = Transaction.Condition.modRevision(of: key, .equal, entry.modRevision)
                do throws(EtcdError) {
                    if try await client.commit(Transaction(if: [condition], then: [operation])).succeeded {
                        return result
                    }
                } catch {
                    // With the lease the entry has gone as well.
                    if error.code != .leaseNotFound { throw error }
                }
            }
        } catch let error as EtcdError {
            throw RegistryError(
                error, "cannot \(action) instance \"\(id)\" of service \"\(service)\"", needs: .writing(key))
        }
        throw RegistryError(
            code: .unavailable, message: "etcd registry: the key \(key) changes all the time; try again")
    }
}
