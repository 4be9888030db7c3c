import GRPCCore
import Logging
import ServiceKitTestSupport

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC
@testable import ServiceKitHTTP2

/// A service whose calls can go through GRPCCore's executors, or straight to its handlers.
protocol BothPathsService: RegistrableRPCService {
    /// The methods for direct calls.
    var methods: ServiceMethods { get }
}

extension RawService: BothPathsService {
    var methods: ServiceMethods {
        var methods = ServiceMethods()
        for (method, handler) in handlers {
            methods.stream(
                Self.method(method), deserializer: RawDeserializer(), serializer: RawSerializer(), handler
            )
        }
        return methods
    }
}

extension Nghttp2ServerTransport {
    /// A transport for the server of a service. The calls go along the path of the running test.
    convenience init(
        serving service: some BothPathsService,
        address: TransportAddress = .anyPort,
        transportSecurity: TransportSecurity = .plaintext,
        config: Config = .defaults,
        otherRequests: (any RequestHandler)? = nil,
        logger: Logger = Logger(label: "test")
    ) {
        var others: (@Sendable (ServedMethods) -> any RequestHandler)?
        if let otherRequests { others = { _ in otherRequests } }
        self.init(
            address: address,
            transportSecurity: transportSecurity,
            config: config,
            hook: nil,
            direct: CallPath.current == .direct ? service.methods.handlers : [:],
            otherRequests: others,
            logger: logger
        )
    }
}
