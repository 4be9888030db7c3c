public import ServiceKitConfig
public import Tracing

/// Makes spans of calls through swift-distributed-tracing, with the names of OpenTelemetry's conventions for RPC.
///
/// A served call has a span of the kind `server`; it is a child of the caller's span, which the bootstrapped instrument
/// extracts from the headers (W3C `traceparent` and `tracestate`, or others). While the handler runs the span is the current
/// one. A made call has a span of the kind `client`. Each attempt of it has one more inside, `Attempt.METHOD` as in
/// gRFC A72, which the instrument injects into the attempt's headers.
///
/// A client's span has failed with every status but `OK`, a server's with those that its callers do not cause.
///
/// The tracer is the one that the program has bootstrapped when the first call begins. If there is none, a call costs next
/// to nothing, and ``MetadataPropagation`` carries the callers' trace context.
public struct CallTracing: SynchronousMiddleware, ClientMiddlewareOfService {
    /// The sections `server.tracing`, `client.tracing` and `clients.<service>.tracing`.
    public struct Options: ConfigurationSection, Hashable {
        /// Whether calls have spans; true by default. Without a tracer none has.
        public var enabled = true

        /// The defaults.
        public init() {}

        /// The meaning of each option.
        public static let help = ["enabled": "whether calls have spans, if the program bootstraps a tracer"]
    }

    /// The program's choice.
    private struct Bootstrapped: Sendable {
        let instrument: any Instrument
        /// `nil` for an instrument that only propagates.
        let tracer: (any Tracer)?
    }

    private let options: Replaceable<Options>
    /// Reads the options for calls to a service; `nil` if they are the same for all.
    private let optionsOfService: (@Sendable (_ service: String) throws -> Replaceable<Options>)?
    private let bootstrapped: Lazily<Bootstrapped?>
    private let isServed: @Sendable (_ operation: String) -> Bool
    /// The service whose calls are made; `nil` if that is told by the call alone.
    private let service: String?

    /// Traces calls.
    ///
    /// - Parameter instrument: The instrument, such as a tracer; by default the one that is bootstrapped when the first call
    ///   begins.
    public init(_ instrument: (any Instrument)? = nil) {
        self.init(Replaceable(Options()), instrument)
    }

    /// Traces calls by options that may change: each call has those that are in force when it begins.
    ///
    /// - Parameters:
    ///   - options: The options.
    ///   - instrument: The instrument; by default the bootstrapped one.
    ///   - ofService: Reads the options for calls to a service.
    ///   - isServed: Whether the process serves an operation.
    init(
        _ options: Replaceable<Options>,
        _ instrument: (any Instrument)? = nil,
        ofService: (@Sendable (_ service: String) throws -> Replaceable<Options>)? = nil,
        isServed: @escaping @Sendable (_ operation: String) -> Bool = { _ in true }
    ) {
        self.options = options
        optionsOfService = ofService
        bootstrapped = Lazily {
            if let instrument { return Bootstrapped(instrument: instrument, tracer: instrument as? any Tracer) }
            let (instrument, tracer) = (InstrumentationSystem.instrument, InstrumentationSystem.tracer)
            if instrument is NoOpInstrument { return nil }
            return Bootstrapped(instrument: instrument, tracer: tracer is NoOpTracer ? nil : tracer)
        }
        self.isServed = isServed
        service = nil
    }

    private init(_ same: CallTracing, _ options: Replaceable<Options>, service: String) {
        self.options = options
        optionsOfService = same.optionsOfService
        bootstrapped = same.bootstrapped
        isServed = same.isServed
        self.service = service
    }

    package func forCalls(to service: String) throws -> any Middleware {
        CallTracing(self, try optionsOfService?(service) ?? options, service: service)
    }

    /// Begins a span within the caller's trace.
    public func beginServing(_ call: inout Call) {
        guard let bootstrapped = enabled else { return }
        bootstrapped.instrument.extract(call.metadata, into: &call.context, using: Headers())
        guard let tracer = bootstrapped.tracer else { return }
        let method = call.method
        let isServed = isServed(call.operation)
        let peer = call.peerAddress
        let span = tracer.startSpan(isServed ? method : call.transport, context: call.context, ofKind: .server)
        span.updateAttributes { attributes in
            attributes["rpc.system.name"] = call.transport
            // A caller who makes names up makes no new method.
            attributes["rpc.method"] = isServed ? method : "_OTHER"
            if !isServed { attributes["rpc.method_original"] = method }
            guard let peer else { return }
            attributes["client.address"] = peer.address
            if let port = peer.port { attributes["client.port"] = port }
        }
        call.context = span.context
        call.onEnd { _, result in Self.end(span, .server, CallStatus(result.error), result.error) }
    }

    /// Begins a span, and gives each attempt one that its headers tell to the server.
    public func beginCalling(_ call: inout Call) {
        guard let bootstrapped = enabled else { return }
        guard let tracer = bootstrapped.tracer else {
            call.onAttempt { [context = call.context] attempt in
                Self.inject(context, into: &attempt.metadata, bootstrapped.instrument)
            }
            return
        }
        let (method, system, address) = (call.method, call.transport, service ?? call.peer)
        @Sendable func start(_ name: String, in context: ServiceContext) -> any Tracing.Span {
            let span = tracer.startSpan(name, context: context, ofKind: .client)
            span.updateAttributes { attributes in
                attributes["rpc.system.name"] = system
                attributes["rpc.method"] = method
                attributes["server.address"] = address
            }
            return span
        }
        let span = start(method, in: call.context)
        call.context = span.context
        call.onAttempt { [context = span.context] attempt in
            let span = start("Attempt.\(method)", in: context)
            span.updateAttributes { attributes in
                attributes["network.peer.address"] = attempt.node.endpoint.host
                attributes["network.peer.port"] = attempt.node.endpoint.port
                attributes["previous-rpc-attempts"] = attempt.number - 1
            }
            attempt.onEnd { report in Self.end(span, .client, report.status) }
            Self.inject(span.context, into: &attempt.metadata, bootstrapped.instrument)
        }
        call.onEnd { _, result in Self.end(span, .client, CallStatus(result.error), result.error) }
    }

    private var enabled: Bootstrapped? {
        guard let bootstrapped = bootstrapped.value, options.read(\.enabled) else { return nil }
        return bootstrapped
    }

    private static func end(
        _ span: any Tracing.Span,
        _ side: Call.Side,
        _ status: CallStatus,
        _ error: (any Error)? = nil
    ) {
        span.attributes["rpc.response.status_code"] = status.name
        if status.isFailure(of: side) {
            span.attributes["error.type"] = status.name
            // An error without a travelling form may hold secrets, which no trace should have.
            span.setStatus(SpanStatus(code: .error, message: error.flatMap(ServiceError.init)?.message))
        }
        span.end()
    }

    private static func inject(
        _ context: ServiceContext,
        into metadata: inout CallMetadata,
        _ instrument: any Instrument
    ) {
        var injected = CallMetadata()
        instrument.inject(context, into: &injected, using: Headers())
        // The carried state belongs to the carried parent, which is replaced.
        if injected["traceparent"] != nil { metadata.remove("tracestate") }
        metadata.merge(injected)
    }
}

extension Call {
    /// The address of a peer `ipv4:10.0.0.1:5`, `ipv6:[::1]:5` or `unix:/run/a.sock`, and its port; `nil` for one without an
    /// address.
    var peerAddress: (address: String, port: Int?)? {
        guard let colon = peer.firstIndex(of: ":") else { return nil }
        let rest = peer[peer.index(after: colon)...]
        switch peer[..<colon] {
        case "unix": return rest.isEmpty ? nil : (String(rest), nil)
        case "ipv4", "ipv6":
            guard let end = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: end)...]) else { return nil }
            return (rest[..<end].filter { $0 != "[" && $0 != "]" }, port)
        default: return nil
        }
    }

    /// The operation as spans name it: `user.v1.UserService/GetUser`.
    fileprivate var method: String { operation.first == "/" ? String(operation.dropFirst()) : operation }
}

/// Reads and writes headers for an instrument.
private struct Headers: Extractor, Injector {
    func extract(key: String, from carrier: CallMetadata) -> String? { carrier[key] }

    func inject(_ value: String, forKey key: String, into carrier: inout CallMetadata) { carrier[key] = value }
}
