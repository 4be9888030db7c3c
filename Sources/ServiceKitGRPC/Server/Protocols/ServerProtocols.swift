internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit
internal import ServiceKitProtobuf

/// gRPC's own services that a server has beside those of its App.
struct ServerProtocols {
    /// The App's.
    let health: Watched<AppHealth>
    /// Whether health is told to others.
    let servesHealth: Bool
    /// The descriptors of the services; `nil` when reflection is not served.
    let reflection: DescriptorPool?

    /// Adds the services, except where the App has one of its own.
    ///
    /// - Returns: The full names of the services that answer for the server, not for the App. They have no middleware: a
    ///   probe must not be logged, counted, refused, or ended by a time limit.
    func register(with router: inout RPCRouter<Nghttp2ServerTransport>) -> Set<String> {
        let healthName = Grpc_Health_V1_Health.descriptor.fullyQualifiedService
        var names = Set(router.methods.map(\.service.fullyQualifiedService))
        var withoutMiddleware: Set<String> = []
        let given = names
        if servesHealth, !given.contains(healthName) {
            names.insert(healthName)
            withoutMiddleware.insert(healthName)
        }
        if let reflection, given.isDisjoint(with: ReflectionService.names) {
            names.formUnion(ReflectionService.names)
            ReflectionService(services: names.sorted(), pool: reflection, health: health)
                .registerMethods(with: &router)
        }
        if withoutMiddleware.contains(healthName) {
            HealthService(health, services: names).registerMethods(with: &router)
        }
        return withoutMiddleware
    }
}
