internal import EtcdClient
public import ServiceKit

/// Changes entries that other processes own.
extension EtcdRegistry {
    /// How often to look again at a key that somebody changes at the same time.
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
        for _ in 0..<Self.maxAttempts {
            let entry = try await entry(id, of: service)
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
            if value == entry.value { return instance }
            let put = Transaction.Operation.put(entry.key, value, lease: entry.lease)
            if try await change(entry, put, "change labels of", id, of: service) { return next }
        }
        throw changesAllTheTime(id, of: service)
    }

    /// Removes an entry that lives by no lease, and so does not end by itself; see `RegistryOperator.removeInstance(_:of:)`.
    ///
    /// - Throws: `RegistryError`: `notFound`; `alreadyRegistered` when the entry lives by a lease: its owner renews it and
    ///   would put the entry back, and without an owner it ends after its time to live.
    public func removeInstance(_ id: String, of service: String) async throws {
        for _ in 0..<Self.maxAttempts {
            let entry = try await entry(id, of: service)
            if let lease = entry.lease {
                throw RegistryError(
                    code: .alreadyRegistered,
                    message: "etcd registry: instance \"\(id)\" of service \"\(service)\" is kept by its owner (key "
                        + "\(entry.keyText), lease \(String(lease, radix: 16))); stop that one, or take it offline; when "
                        + "its owner is dead it ends by itself after its time to live"
                )
            }
            if try await change(entry, .delete(.key(entry.key)), "remove", id, of: service) { return }
        }
        throw changesAllTheTime(id, of: service)
    }

    private func entry(_ id: String, of service: String) async throws -> KeyValue {
        try ServiceInstance.validate(serviceName: service)
        let key = keys.key(id, of: service)
        guard keys.id(in: key, of: service) != nil else { throw RegistryError.notFound(id, of: service, in: Self.name) }
        do throws(EtcdError) {
            if let entry = try await client.get(key) { return entry }
        } catch {
            throw RegistryError(error, "cannot read the key \(key)", needs: .writing(key))
        }
        throw RegistryError.notFound(id, of: service, in: Self.name)
    }

    /// Changes an entry unless it has changed since.
    private func change(
        _ entry: KeyValue,
        _ operation: Transaction.Operation,
        _ what: String,
        _ id: String,
        of service: String
    ) async throws -> Bool {
        let condition = Transaction.Condition.modRevision(of: entry.key, .equal, entry.modRevision)
        do throws(EtcdError) {
            return try await client.commit(Transaction(if: [condition], then: [operation])).succeeded
        } catch {
            // With the lease the entry has gone as well.
            if error.code == .leaseNotFound { return false }
            throw RegistryError(
                error,
                "cannot \(what) instance \"\(id)\" of service \"\(service)\"",
                needs: .writing(entry.keyText)
            )
        }
    }

    private func changesAllTheTime(_ id: String, of service: String) -> RegistryError {
        RegistryError(
            code: .unavailable,
            message: "etcd registry: the key \(keys.key(id, of: service)) changes all the time; try again"
        )
    }
}
