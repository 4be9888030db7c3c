public import GRPCCore

extension GRPCServer where Transport == Nghttp2ServerTransport {
    /// Creates a server whose services are known by their types.
    ///
    /// It does what `init(transport:services:interceptors:)` does, and each call of it costs less: there, services are
    /// existentials, so that GRPCCore's generic code runs without having been specialised for them.
    ///
    /// ```swift
    /// let server = GRPCServer(transport: transport, serving: UserProvider(), HealthProvider())
    /// ```
    ///
    /// - Parameters:
    ///   - transport: Where the server listens.
    ///   - services: What it serves.
    ///   - interceptors: What each call goes through, in order, and to which calls it applies.
    @inlinable
    public convenience init<each Service: RegistrableRPCService>(
        transport: Nghttp2ServerTransport,
        serving services: repeat each Service,
        interceptors: [ConditionalInterceptor<any ServerInterceptor>] = []
    ) {
        var router = RPCRouter<Nghttp2ServerTransport>()
        repeat (each services).registerMethods(with: &router)
        router.registerInterceptors(pipeline: interceptors)
        self.init(transport: transport, router: router)
    }
}
