import Foundation
import GRPCCore
import GRPCProtobuf
import SwiftProtobuf

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC
@testable import ServiceKitHTTP2

/// The server of gRPC's interoperability tests.
///
/// `UnimplementedCall` is not registered, so that the transport answers to an unknown method.
struct InteropService: BothPathsService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        InteropHandlers().registerMethods(with: &router)
        router.removeHandler(forMethod: Grpc_Testing_TestService.Method.UnimplementedCall.descriptor)
    }

    var methods: ServiceMethods {
        typealias Method = Grpc_Testing_TestService.Method
        let service: any Grpc_Testing_TestService.StreamingServiceProtocol = InteropHandlers()
        var methods = ServiceMethods()
        methods.stream(Method.EmptyCall.descriptor) { try await service.emptyCall(request: $0, context: $1) }
        methods.stream(Method.UnaryCall.descriptor) { try await service.unaryCall(request: $0, context: $1) }
        methods.stream(Method.StreamingInputCall.descriptor) {
            try await service.streamingInputCall(request: $0, context: $1)
        }
        methods.stream(Method.StreamingOutputCall.descriptor) {
            try await service.streamingOutputCall(request: $0, context: $1)
        }
        methods.stream(Method.FullDuplexCall.descriptor) {
            try await service.fullDuplexCall(request: $0, context: $1)
        }
        return methods
    }
}

extension ServiceMethods {
    fileprivate mutating func stream<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ handler:
            @escaping @Sendable (
                _ request: StreamingServerRequest<Request>, _ context: ServerContext
            ) async throws -> StreamingServerResponse<Response>
    ) {
        stream(method, deserializer: ProtobufDeserializer(), serializer: ProtobufSerializer(), handler)
    }
}

private struct InteropHandlers: Grpc_Testing_TestService.ServiceProtocol {
    typealias Empty = Grpc_Testing_Empty
    typealias OutputRequest = Grpc_Testing_StreamingOutputCallRequest
    typealias OutputResponse = Grpc_Testing_StreamingOutputCallResponse

    func emptyCall(request: ServerRequest<Empty>, context: ServerContext) async throws -> ServerResponse<Empty> {
        ServerResponse(message: Empty())
    }

    func unimplementedCall(request: ServerRequest<Empty>, context: ServerContext) async throws -> ServerResponse<Empty>
    {
        throw RPCError(code: .internalError, message: "the method was to be removed")
    }

    func unaryCall(
        request: ServerRequest<Grpc_Testing_SimpleRequest>,
        context: ServerContext
    ) async throws -> ServerResponse<Grpc_Testing_SimpleResponse> {
        let message = request.message
        if message.hasExpectCompressed {
            try context.check(isCompressed: message.expectCompressed.value)
        }
        if message.hasResponseCompressed {
            context.transport?.setResponseCompression(message.responseCompressed.value ? .gzip : .none)
        }
        try message.responseStatus.check()
        return ServerResponse(
            message: .with { $0.payload = .zeros(message.responseSize) },
            metadata: request.metadata.echoedInitially,
            trailingMetadata: request.metadata.echoedFinally
        )
    }

    func streamingInputCall(
        request: StreamingServerRequest<Grpc_Testing_StreamingInputCallRequest>,
        context: ServerContext
    ) async throws -> ServerResponse<Grpc_Testing_StreamingInputCallResponse> {
        var size: Int32 = 0
        for try await message in request.messages {
            if message.hasExpectCompressed {
                try context.check(isCompressed: message.expectCompressed.value)
            }
            size += Int32(message.payload.body.count)
        }
        return ServerResponse(message: .with { $0.aggregatedPayloadSize = size })
    }

    func streamingOutputCall(
        request: ServerRequest<OutputRequest>,
        context: ServerContext
    ) async throws -> StreamingServerResponse<OutputResponse> {
        let message = request.message
        if message.responseParameters.contains(where: \.hasCompressed) {
            context.transport?.setResponseCompression(.gzip)
        }
        return StreamingServerResponse { writer in
            try await Self.answer(message, writer)
            return [:]
        }
    }

    func fullDuplexCall(
        request: StreamingServerRequest<OutputRequest>,
        context: ServerContext
    ) async throws -> StreamingServerResponse<OutputResponse> {
        StreamingServerResponse(metadata: request.metadata.echoedInitially) { writer in
            for try await message in request.messages {
                try message.responseStatus.check()
                try await Self.answer(message, writer)
            }
            return request.metadata.echoedFinally
        }
    }

    private static func answer(_ request: OutputRequest, _ writer: RPCWriter<OutputResponse>) async throws {
        for parameters in request.responseParameters {
            try await withMessageCompression(parameters.compressed.value) {
                try await writer.write(.with { $0.payload = .zeros(parameters.size) })
            }
        }
    }
}

extension ServerContext {
    fileprivate var transport: Nghttp2ServerTransport.Context? {
        transportSpecific as? Nghttp2ServerTransport.Context
    }

    /// Refuses a message whose compression differs from the client's intention.
    fileprivate func check(isCompressed: Bool) throws(RPCError) {
        guard transport?.receivedMessageWasCompressed == isCompressed else {
            throw RPCError(
                code: .invalidArgument, message: "the message was to be \(isCompressed ? "" : "un")compressed"
            )
        }
    }
}

extension Grpc_Testing_EchoStatus {
    fileprivate func check() throws(RPCError) {
        guard let code = Status.Code(rawValue: Int(self.code)).flatMap({ RPCError.Code($0) }) else { return }
        throw RPCError(code: code, message: self.message)
    }
}

extension Grpc_Testing_Payload {
    static func zeros(_ size: Int32) -> Self {
        .with { $0.body = Data(count: Int(size)) }
    }
}

extension Metadata {
    static let initialKey = "x-grpc-test-echo-initial"
    static let trailingKey = "x-grpc-test-echo-trailing-bin"

    fileprivate var echoedInitially: Metadata { filtered(Self.initialKey) }
    fileprivate var echoedFinally: Metadata { filtered(Self.trailingKey) }

    private func filtered(_ key: String) -> Metadata {
        Metadata(filter { $0.key == key })
    }
}
