private import ServiceContextModule

/// Carries headers from call to call.
///
/// Headers whose names begin with `x-md-` reach the callee, where `ServiceContext.current?.incomingMetadata` has them.
/// Those beginning with `x-md-global-`, and the W3C trace context (`traceparent`, `tracestate`, `baggage`), travel on
/// with the calls that the callee makes while serving, through every hop.
public struct MetadataPropagation: Middleware {
    private static let prefix = "x-md-"
    private static let globalPrefix = "x-md-global-"
    private static let traceContext: Set = ["traceparent", "tracestate", "baggage"]

    /// Propagates.
    public init() {}

    /// Handles a call.
    public func handle(_ call: Call, next: Next) async throws -> CallResult {
        switch call.side {
        case .server:
            var context = ServiceContext.current ?? .topLevel
            context.incomingMetadata = call.metadata.filter { Self.isCarried($0.name, prefix: Self.prefix) }
            return try await ServiceContext.withValue(context) { try await next(call) }
        case .client:
            guard let context = ServiceContext.current else { return try await next(call) }
            // Later ones count more; what the caller gave with this one call, most.
            var metadata = (context.incomingMetadata ?? [:]).filter {
                Self.isCarried($0.name, prefix: Self.globalPrefix)
            }
            metadata.merge(context.outgoingMetadata ?? [:])
            metadata.merge(call.metadata)
            var call = call
            call.metadata = metadata
            return try await next(call)
        }
    }

    private static func isCarried(_ name: String, prefix: String) -> Bool {
        name.hasPrefix(prefix) || traceContext.contains(name)
    }
}
