package import GRPCCore
import ServiceKitHTTP2

/// Checks a message of a request, in its wire format. The error that it throws ends the call.
package typealias RequestCheck = @Sendable (_ message: [UInt8]) throws -> Void

/// The methods of a server transport, and all that their calls share, whatever protocol they come by.
package final class ServedMethods: Sendable {
    /// The name of requests that are no calls of a method, and run as those do.
    package struct Operation: Sendable {
        fileprivate let method: Method
        fileprivate let path: String
    }

    /// A method, the hook around its calls, the check of its requests, and the handler that serves it in place of GRPCCore.
    final class Method: Sendable {
        let descriptor: MethodDescriptor
        let hook: (any ServerCallHook)?
        let direct: DirectHandler?
        let check: RequestCheck?
        /// Whether it is called by RPC.
        let isRPC: Bool

        init(
            _ descriptor: MethodDescriptor,
            _ hook: (any ServerCallHook)?,
            _ direct: DirectHandler? = nil,
            _ check: RequestCheck? = nil,
            isRPC: Bool = true
        ) {
            self.descriptor = descriptor
            self.direct = direct
            self.check = check
            self.isRPC = isRPC
            self.hook = (hook?.applies(to: descriptor) ?? false) ? hook : nil
        }
    }

    let handler: ServerCall.Handler
    let messages: MessageOptions
    private let methods: [String: Method]
    private let table: PathTable<Method>
    private let hook: (any ServerCallHook)?

    init(
        methods: [MethodDescriptor],
        config: Nghttp2ServerTransport.Config,
        hook: (any ServerCallHook)?,
        direct: [MethodDescriptor: DirectHandler] = [:],
        checks: [MethodDescriptor: RequestCheck] = [:],
        handler: @escaping ServerCall.Handler
    ) {
        self.handler = handler
        messages = MessageOptions(config)
        self.hook = hook
        self.methods = Dictionary(
            methods.map { ($0.path, Method($0, hook, direct[$0], checks[$0])) },
            uniquingKeysWith: { first, _ in first }
        )
        table = PathTable(self.methods)
    }

    /// The method whose path this is; `nil` if there is none.
    func find(path: UnsafeBufferPointer<UInt8>) -> (path: String, method: Method)? {
        table.find(path).map { ($0.path, $0.value) }
    }

    /// The method that a path names. A method that is not registered is made up from the path: the router answers it.
    func method(path: String) throws(RequestHead.Rejection) -> Method {
        if let method = methods[path] {
            return method
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, !parts[1].isEmpty, !parts[2].isEmpty else {
            throw .grpc(.unimplemented, "\"\(path)\" is not the path of a method: /package.Service/Method")
        }
        return Method(MethodDescriptor(fullyQualifiedService: String(parts[1]), method: String(parts[2])), hook)
    }

    /// Answers a call of gRPC that the hook refuses by its head. A request that is none, or that names no method, is left to be
    /// opened: its answer says what is wrong.
    ///
    /// - Returns: Whether it is answered.
    func refuse(_ stream: HTTP2Stream, _ headers: HeaderBlock) -> Bool {
        guard let hook, hook.refusesHeads else { return false }
        var fields = CallFields()
        var path: String?
        headers.forEach { name, value in
            if name.count == 5, name.equals(":path") {
                if let found = table.find(value), found.value.hook != nil { path = found.path }
            } else {
                fields.note(name: name, value: value)
            }
        }
        guard let path, fields.areRight else { return false }
        let head = ServerCallHead(path: path, peer: stream.remotePeer, fields: headers)
        guard let refusal = hook.refusal(of: head) else { return false }
        refusal.answer(stream)
        return true
    }

    // MARK: - Other protocols than gRPC

    /// The largest message of a request, in bytes, as it arrives and decompressed.
    package var maxMessageBytes: Int { messages.maxBytes }

    /// Whether there is a method with this path, `/package.Service/Method`.
    package func contains(path: String) -> Bool {
        // To see that a path like /health has no second component takes less time than to hash it.
        path.utf8.dropFirst().contains(UInt8(ascii: "/")) && methods[path] != nil
    }

    /// The paths of all methods.
    package var paths: some Collection<String> { methods.keys }

    /// Opens a call that comes by another protocol than gRPC. Called on the event loop of its connection.
    ///
    /// - Parameters:
    ///   - wire: The call on the wire.
    ///   - path: The path of a method that there is.
    ///   - metadata: The headers of the request.
    ///   - timeout: The time that the caller gives the call.
    /// - Returns: The call, to be started; `nil` if a hook has answered it.
    package func open(_ wire: any CallWire, path: String, metadata: Metadata, timeout: Duration?) -> ServerCall? {
        guard let method = methods[path] else { return nil }
        let head = RequestHead(path: path, metadata: metadata, timeout: timeout)
        let call = ServerCall(wire: wire, method: method, direct: method.direct, head: head, service: self)
        return call.begin() ? call : nil
    }

    /// An operation that is no method.
    ///
    /// - Parameters:
    ///   - descriptor: Its name.
    ///   - path: The name as the path of a method.
    package func operation(_ descriptor: MethodDescriptor, path: String) -> Operation {
        Operation(method: Method(descriptor, hook, isRPC: false), path: path)
    }

    /// Opens a request that is no call of a method, to be run as one. Called on the event loop of its connection.
    ///
    /// - Parameters:
    ///   - wire: The request on the wire.
    ///   - operation: The name by which middleware knows it.
    ///   - metadata: The headers of the request.
    ///   - timeout: The time that the caller gives it.
    ///   - handler: Answers it.
    /// - Returns: The call, to be started; `nil` if a hook has answered it.
    package func open(
        _ wire: any CallWire, _ operation: Operation, metadata: Metadata, timeout: Duration?, handler: DirectHandler
    ) -> ServerCall? {
        let head = RequestHead(path: operation.path, metadata: metadata, timeout: timeout)
        let call = ServerCall(wire: wire, method: operation.method, direct: handler, head: head, service: self)
        return call.begin() ? call : nil
    }
}
