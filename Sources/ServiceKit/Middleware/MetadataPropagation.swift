private import ServiceContextModule

/// Carries headers from call to call.
///
/// Headers whose names begin with `x-md-` reach the callee, where `ServiceContext.current?.incomingMetadata` has them.
/// Those beginning with `x-md-global-`, and the W3C trace context (`traceparent`, `tracestate`, `baggage`), travel on
/// with the calls that the callee makes while serving, through every hop.
public struct MetadataPropagation: StepwiseMiddleware {
    private static let prefix = "x-md-"
    private static let globalPrefix = "x-md-global-"
    private static let traceContext: Set = ["traceparent", "tracestate", "baggage"]

    /// Propagates.
    public init() {}

    /// Handles a call: one that is served, within the context of its headers.
    public func handle(_ call: Call, next: Next) async throws -> CallResult {
        var call = call
        guard call.side == .server else {
            // It is not told of the end.
            _ = begin(&call)
            return try await next(call)
        }
        var context = ServiceContext.current ?? .topLevel
        context.incomingMetadata = call.metadata.filter { Self.isCarried($0.name, prefix: Self.prefix) }
        return try await ServiceContext.withValue(context) { [call] in try await next(call) }
    }

    /// Gives a call that is made what travels on; does nothing to one that is served.
    public func begin(_ call: inout Call) -> CallEnded? {
        guard call.side == .client, let context = ServiceContext.current else { return nil }
        // Later ones count more; what the caller gave with this one call, most.
        var metadata = (context.incomingMetadata ?? [:]).filter {
            Self.isCarried($0.name, prefix: Self.globalPrefix)
        }
        metadata.merge(context.outgoingMetadata ?? [:])
        metadata.merge(call.metadata)
        call.metadata = metadata
        return nil
    }

    private static func isCarried(_ name: String, prefix: String) -> Bool {
        name.hasPrefix(prefix) || traceContext.contains(name)
    }
}
