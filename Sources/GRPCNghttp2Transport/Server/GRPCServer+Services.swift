public import GRPCCore

extension GRPCServer where Transport == Nghttp2ServerTransport {
    /// Creates a server whose services are known by their types.
    ///
    /// It works like `init(transport:services:interceptors:)`, and each call costs less: that initialiser takes services
    /// as existentials, for which GRPCCore's generic code is not specialized.
    ///
    /// ```swift
    /// let server = GRPCServer(transport: transport) {
    ///     UserProvider()
    ///     HealthProvider()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - transport: Where the server listens.
    ///   - interceptors: The interceptors of each call, in order, and the calls that they apply to. Default: none.
    ///   - services: The services.
    @inlinable
    public convenience init(
        transport: Nghttp2ServerTransport,
        interceptors: [ConditionalInterceptor<any ServerInterceptor>] = [],
        @ServicesBuilder services: () -> some RegistrableRPCService
    ) {
        var router = RPCRouter<Nghttp2ServerTransport>()
        services().registerMethods(with: &router)
        router.registerInterceptors(pipeline: interceptors)
        self.init(transport: transport, router: router)
    }
}

/// Puts services together one by one, so that the type of the whole names the type of each. Generic code is specialized
/// for such a type, but not for the elements of an array or of a parameter pack.
@resultBuilder
public enum ServicesBuilder {
    /// The first service.
    @inlinable
    public static func buildPartialBlock<Service: RegistrableRPCService>(first: Service) -> Service {
        first
    }

    /// The services so far, and another one.
    @inlinable
    public static func buildPartialBlock<First: RegistrableRPCService, Second: RegistrableRPCService>(
        accumulated: First,
        next: Second
    ) -> ServicePair<First, Second> {
        ServicePair(accumulated, next)
    }
}

/// Two services, registered as one.
public struct ServicePair<First: RegistrableRPCService, Second: RegistrableRPCService>: RegistrableRPCService {
    @usableFromInline let first: First
    @usableFromInline let second: Second

    @inlinable
    init(_ first: First, _ second: Second) {
        self.first = first
        self.second = second
    }

    /// Registers the methods of both.
    @inlinable
    public func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        first.registerMethods(with: &router)
        second.registerMethods(with: &router)
    }
}
