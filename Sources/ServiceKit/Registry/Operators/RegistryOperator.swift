/// A registry in which operators change the instances of other processes: `kit registry weight`, `offline`, `online` and
/// `deregister` work with it.
public protocol RegistryOperator: Discoverer {
    /// Changes labels of an instance that another process may own: takes it out of traffic (`offline`), say, or gives it
    /// another share (`weight`).
    ///
    /// The owner adopts the change. From then on the operator's word on these labels counts, also when the owner updates
    /// the instance and when a lost registration is put back, until the operator says otherwise or the owner ends. An owner
    /// of another framework may not adopt the change, and undo it when it registers again.
    ///
    /// Two operators at once do not undo one another where the registry can compare and swap.
    ///
    /// - Parameters:
    ///   - id: The instance's id.
    ///   - service: The service's name.
    ///   - changes: The labels' new values, given the instance; `nil` removes a label, the others stay. It may be called
    ///     several times.
    /// - Returns: The instance as all see it now.
    /// - Throws: ``RegistryError``: `notFound` when there is no such instance, `invalidInstance` when a label cannot be
    ///   set, `unsupported` when the entry has no place for labels; any error of `changes`.
    func changeMetadata(
        ofInstance id: String,
        of service: String,
        _ changes: @escaping @Sendable (ServiceInstance) throws -> [String: String?]
    ) async throws -> ServiceInstance

    /// Removes an instance without an owner, whose entry does not end by itself.
    ///
    /// - Parameters:
    ///   - id: The instance's id.
    ///   - service: The service's name.
    /// - Throws: ``RegistryError``: `notFound` when there is no such instance, `alreadyRegistered` when its owner keeps it
    ///   and would put it back.
    func removeInstance(_ id: String, of service: String) async throws
}

extension RegistryOperator {
    /// Changes labels of an instance, regardless of their present values; `nil` removes a label, and the others stay.
    /// Returns the instance as all see it now.
    ///
    /// - Throws: As ``changeMetadata(ofInstance:of:_:)``.
    public func setMetadata(
        _ changes: [String: String?],
        ofInstance id: String,
        of service: String
    ) async throws -> ServiceInstance {
        try await changeMetadata(ofInstance: id, of: service) { _ in changes }
    }
}
