private import ServiceContextModule

/// Carries headers from call to call.
///
/// Headers whose names begin with `x-md-` reach the callee, where `ServiceContext.current?.incomingMetadata` has them.
/// Those beginning with `x-md-global-`, and the W3C trace context (`traceparent`, `tracestate`, `baggage`), travel on
/// with the calls that the callee makes while serving, through every hop. A `baggage` of more than 8192 bytes does not: W3C
/// allows no more, and it would make the callee's own calls too large.
public struct MetadataPropagation: SynchronousMiddleware {
    /// https://www.w3.org/TR/baggage/#limits
    private static let longestBaggage = 8192

    /// Propagates.
    public init() {}

    /// Puts what travels of a served call's headers into its context.
    public func beginServing(_ call: inout Call) {
        let incoming = call.metadata.filter { Self.isCarried($0, prefix: "x-md-") }
        // A context without any entry costs nothing.
        if incoming.isEmpty, call.context.incomingMetadata == nil { return }
        call.context.incomingMetadata = incoming
    }

    /// Adds to a made call the headers that travel on, and the headers of ``withOutgoingMetadata(_:isolation:_:)``.
    public func beginCalling(_ call: inout Call) {
        // Later ones take the place of earlier ones of the same names; the caller's own come last.
        var metadata = (call.context.incomingMetadata ?? [:]).filter {
            Self.isCarried($0, prefix: "x-md-global-")
        }
        if let outgoing = call.context.outgoingMetadata { metadata.merge(outgoing) }
        if metadata.isEmpty { return }
        metadata.merge(call.metadata)
        call.metadata = metadata
    }

    private static func isCarried(_ entry: CallMetadata.Entry, prefix: String) -> Bool {
        switch entry.name {
        case "traceparent", "tracestate": return true
        case "baggage":
            if case .string(let text) = entry.value { return text.utf8.count <= longestBaggage }
            return false
        default: return entry.name.hasPrefix(prefix)
        }
    }
}
