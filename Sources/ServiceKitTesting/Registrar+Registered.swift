public import ServiceKit

extension Registrar {
    /// Registers an instance, and waits for the outcome of the first attempt. A registration that is not registered then is
    /// released.
    ///
    /// - Parameter instance: The instance.
    /// - Returns: The registration, which is registered.
    /// - Throws: `RegistryError` of the first attempt, or `CancellationError`.
    public func registered(_ instance: ServiceInstance) async throws -> any Registration {
        let registration = try register(instance)
        switch await registration.state.first(where: { $0 != .registering(cause: nil) }) {
        case .registered?:
            return registration
        case let state:
            await registration.release()
            throw state?.cause ?? CancellationError()
        }
    }
}
