import GRPCCore
import Logging

/// What all connections of a server share.
struct ServerService: Sendable {
    /// A method, and what is done around its calls.
    struct Method: Sendable {
        let descriptor: MethodDescriptor
        let hook: (any ServerCallHook)?

        init(_ descriptor: MethodDescriptor, _ hook: (any ServerCallHook)?) {
            self.descriptor = descriptor
            self.hook = (hook?.applies(to: descriptor) ?? false) ? hook : nil
        }
    }

    let handler: ServerCall.Handler
    let maxConcurrentCalls: Int
    let handlerExecutor: Nghttp2ServerTransport.HandlerExecutor
    /// How responses are compressed that nothing else is said of.
    let responseEncoding: MessageEncoding
    let logger: Logger
    private let methods: [String: Method]
    private let hook: (any ServerCallHook)?

    init(
        methods: [MethodDescriptor],
        config: Nghttp2ServerTransport.Config,
        hook: (any ServerCallHook)?,
        logger: Logger,
        handler: @escaping ServerCall.Handler
    ) {
        self.handler = handler
        self.maxConcurrentCalls = config.maxConcurrentCallsPerConnection
        self.handlerExecutor = config.handlerExecutor
        self.responseEncoding = MessageEncoding(config.compression.algorithm)
        self.logger = logger
        self.hook = hook
        self.methods = Dictionary(
            methods.map { ("/\($0.fullyQualifiedMethod)", Method($0, hook)) }, uniquingKeysWith: { first, _ in first }
        )
    }

    /// The method that a path names. A method that is not registered is made up from the path: the router answers it.
    func method(path: String) throws(RequestHead.Rejection) -> Method {
        if let method = self.methods[path] {
            return method
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, !parts[1].isEmpty, !parts[2].isEmpty else {
            throw .grpc(.unimplemented, "\"\(path)\" is not the path of a method: /package.Service/Method")
        }
        return Method(MethodDescriptor(fullyQualifiedService: String(parts[1]), method: String(parts[2])), self.hook)
    }
}
