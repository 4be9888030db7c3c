public import ServiceContextModule

/// The deadline and the headers that calls of one process share. They are kept in `ServiceContext`, a task-local value:
/// so the calls that a handler makes carry on the deadline and the headers of the call that it serves.
extension ServiceContext {
    private enum DeadlineKey: ServiceContextKey {
        typealias Value = ContinuousClock.Instant
    }

    private enum IncomingMetadataKey: ServiceContextKey {
        typealias Value = CallMetadata
    }

    private enum OutgoingMetadataKey: ServiceContextKey {
        typealias Value = CallMetadata
    }

    /// The time by which the call being served must have ended; outgoing calls never outlast it.
    public var deadline: ContinuousClock.Instant? {
        get { self[DeadlineKey.self] }
        set { self[DeadlineKey.self] = newValue }
    }

    /// The propagated headers of the call being served: see ``MetadataPropagation``.
    public var incomingMetadata: CallMetadata? {
        get { self[IncomingMetadataKey.self] }
        set { self[IncomingMetadataKey.self] = newValue }
    }

    /// Headers that every outgoing call carries.
    public var outgoingMetadata: CallMetadata? {
        get { self[OutgoingMetadataKey.self] }
        set { self[OutgoingMetadataKey.self] = newValue }
    }
}

/// Adds headers to every call that is made inside a body.
///
/// ```swift
/// let user = try await withOutgoingMetadata(["x-md-tenant": "acme"]) {
///     try await users.getUser(request)
/// }
/// ```
/// - Parameters:
///   - metadata: Headers that replace those of the same names set further out.
///   - isolation: The actor that the body runs on; the caller's by default.
///   - body: The code that makes the calls.
/// - Returns: The result of `body`.
/// - Throws: The error of `body`.
public func withOutgoingMetadata<Result>(
    _ metadata: CallMetadata,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Result
) async rethrows -> Result {
    var context = ServiceContext.current ?? .topLevel
    var outgoing = context.outgoingMetadata ?? [:]
    outgoing.merge(metadata)
    context.outgoingMetadata = outgoing
    return try await ServiceContext.withValue(context, isolation: isolation, operation: body)
}
