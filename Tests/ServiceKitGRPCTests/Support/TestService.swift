import GRPCCore
import ServiceKit
import ServiceKitTestSupport

@testable import ServiceKitGRPC

/// Messages that are plain bytes.
struct Bytes: MessageSerializer, MessageDeserializer {
    func serialize<Wire: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Wire {
        Wire(message)
    }

    func deserialize<Wire: GRPCContiguousBytes>(_ wire: Wire) throws -> [UInt8] {
        wire.withUnsafeBytes { Array($0) }
    }
}

extension MethodDescriptor {
    /// A method of the tests' service, or of another service if that is named too: `other.Service/Get`.
    static func test(_ name: String) -> MethodDescriptor {
        if let slash = name.firstIndex(of: "/") {
            let (service, method) = (String(name[..<slash]), String(name[name.index(after: slash)...]))
            return MethodDescriptor(fullyQualifiedService: service, method: method)
        }
        return MethodDescriptor(fullyQualifiedService: "test.Service", method: name)
    }
}

/// A service of bytes, made of closures.
struct TestService: RegistrableRPCService {
    typealias Request = StreamingServerRequest<[UInt8]>
    typealias Response = StreamingServerResponse<[UInt8]>
    typealias Handler = @Sendable (_ request: Request, _ context: ServerContext) async throws -> Response

    var handlers: [String: Handler]

    /// `Echo` writes each message back as it comes; `Name` answers with the instance's id.
    init(id: String, _ handlers: [String: Handler] = [:]) {
        self.handlers = handlers.merging(["Echo": Self.echo, "Name": { _, _ in .text(id) }]) { own, _ in own }
    }

    func registerMethods(with router: inout RPCRouter<some ServerTransport>) {
        for (name, handler) in handlers {
            router.registerHandler(
                forMethod: .test(name),
                deserializer: Bytes(),
                serializer: Bytes(),
                handler: handler
            )
        }
    }

    /// The methods that are served directly: all or none of them.
    var methods: ServiceMethods {
        var methods = ServiceMethods()
        guard case .direct = CallPath.current else { return methods }
        for (name, handler) in handlers {
            methods.stream(.test(name), deserializer: Bytes(), serializer: Bytes(), handler)
        }
        return methods
    }

    /// Answers with text, once a gate is open.
    static func text(_ text: String, behind gate: Gate) -> Handler {
        { _, _ in
            try await gate.pass()
            return .text(text)
        }
    }

    private static let echo: Handler = { request, _ in
        Response { writer in
            for try await message in request.messages { try await writer.write(message) }
            return [:]
        }
    }
}

extension StreamingServerResponse<[UInt8]> {
    /// One message of text.
    static func text(_ text: String) -> Self {
        Self(single: ServerResponse(message: Array(text.utf8)))
    }
}

extension Metadata {
    /// The text of a header.
    func text(_ name: String) -> String? {
        self[stringValues: name].first { _ in true }
    }
}
