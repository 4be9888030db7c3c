public import GRPCCore
public import GRPCNghttp2Transport

/// A service that an App serves. Its handlers can be registered with the router of any transport.
@usableFromInline
package struct GRPCService: Sendable {
    private let service: any RegistrableRPCService
    private let registerSpecialized: @Sendable (inout RPCRouter<Nghttp2ServerTransport>) -> Void
    /// The methods that the kit's own transport serves directly.
    let methods: ServiceMethods

    /// Keeps a service whose type the caller knows.
    @inlinable
    package init<Service: RegistrableRPCService>(_ service: Service, methods: ServiceMethods = ServiceMethods()) {
        // Here the service's type is known, so that GRPCCore's code for each call is specialized for it.
        self.init(service, methods) { service.registerMethods(with: &$0) }
    }

    @usableFromInline
    init(
        _ service: any RegistrableRPCService,
        _ methods: ServiceMethods,
        _ registerSpecialized: @escaping @Sendable (inout RPCRouter<Nghttp2ServerTransport>) -> Void
    ) {
        self.service = service
        self.methods = methods
        self.registerSpecialized = registerSpecialized
    }

    /// Registers the methods with a router of the kit's own transport: calls cost less than with the generic function.
    package func register(with router: inout RPCRouter<Nghttp2ServerTransport>) {
        registerSpecialized(&router)
    }

    /// Registers the methods with a router of any transport.
    package func register<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        service.registerMethods(with: &router)
    }
}
