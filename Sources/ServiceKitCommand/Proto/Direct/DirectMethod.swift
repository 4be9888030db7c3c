import SwiftProtobufPluginLibrary

/// The direct handler of a method, and the functions of the stub that call the method.
struct DirectMethod {
    private let name: GRPCMethodName
    private let streamsRequests: Bool
    private let streamsResponses: Bool
    /// `User_V1_GetUserRequest`.
    private let request: String
    /// `User_V1_User`.
    private let response: String
    /// `User_V1_UserService.Method.GetUser.descriptor`.
    private let descriptor: String
    private let access: String
    private let comment: String

    init(
        _ method: MethodDescriptor,
        named name: GRPCMethodName,
        of service: String,
        namer: SwiftProtobufNamer,
        access: String
    ) {
        self.name = name
        streamsRequests = method.clientStreaming
        streamsResponses = method.serverStreaming
        request = namer.fullName(message: method.inputType)
        response = namer.fullName(message: method.outputType)
        descriptor = "\(service).Method.\(name.type).descriptor"
        self.access = access
        let comment = method.protoSourceComments()
        self.comment = comment.isEmpty ? "/// Calls `\(name.name)`.\n" : comment
    }

    /// The name of the functions of `ServiceMethods` and `ServiceChannel` for this kind of call.
    private var kind: String {
        switch (streamsRequests, streamsResponses) {
        case (false, false): "unary"
        case (true, false): "clientStreaming"
        case (false, true): "serverStreaming"
        case (true, true): "bidirectionalStreaming"
        }
    }

    /// The code that adds the method to the methods of an App.
    var handler: String {
        let arguments = streamsResponses ? "request: $0, response: $1, context: $2" : "request: $0, context: $1"
        return """
            methods.\(kind)(\(descriptor)) {
                try await service.\(name.function)(\(arguments))
            }
            """
    }

    var functions: [String] {
        if streamsRequests { return [function(.closure)] }
        return [function(streamsResponses ? .stream : .message), function(.closure)]
    }

    /// The form in which a function of the stub gives the response.
    private enum Form {
        /// It returns the message.
        case message
        /// It returns a stream, which makes the call when it is read.
        case stream
        /// It calls a closure, with the metadata too.
        case closure
    }

    private func function(_ form: Form) -> String {
        let (generics, result, documentation) =
            switch form {
            case .message:
                ("", response, "/// - Returns: The response.\n/// - Throws: `RPCError` if the call fails.")
            case .stream:
                (
                    "", "ServiceKitGRPC.ResponseStream<\(response)>",
                    "/// - Returns: The responses. Each loop over them makes a call."
                )
            case .closure:
                (
                    "<Result: Sendable>", "Result",
                    "/// - Returns: The result of the closure.\n/// - Throws: The error of the closure."
                )
            }
        // A function that runs where its caller does spares the call a look at executors.
        let (isolation, effects, marks) =
            form == .stream ? ("", "", "") : ("nonisolated(nonsending) ", " async throws", "try await ")
        let parameters = parameters(of: form)
        let codec = [
            "serializer: GRPCProtobuf.ProtobufSerializer()", "deserializer: GRPCProtobuf.ProtobufDeserializer()",
        ]
        var arguments = parameters.map(\.argument)
        arguments.insert(contentsOf: [descriptor] + codec, at: streamsRequests ? 0 : 1)
        return """
            \(comment)///
            /// - Parameters:
            \(parameters.map { "///   - \($0.name): \($0.documentation)" }.joined(separator: "\n"))
            \(documentation)
            \(isolation)\(access) func \(name.function)\(generics)(
            \(parameters.map(\.declaration).joined(separator: ",\n").indented(1))
            )\(effects) -> \(result) {
                \(marks)channel.\(kind)(
            \(arguments.joined(separator: ",\n").indented(2))
                )
            }
            """
    }

    private struct Parameter {
        var label: String?
        let name: String
        let type: String
        let documentation: String

        var declaration: String { "\(label.map { "\($0) " } ?? "")\(name): \(type)" }
        var argument: String { label == "_" ? name : "\(label ?? name): \(name)" }
    }

    private func parameters(of form: Form) -> [Parameter] {
        var parameters = [
            Parameter(
                name: "metadata", type: "GRPCCore.Metadata = [:]",
                documentation: "The metadata of the request. Default: none."),
            Parameter(
                name: "options", type: "GRPCCore.CallOptions = .defaults",
                documentation: "The options of the call. The channel has a retry policy of its own."),
        ]
        if streamsRequests {
            parameters.append(
                Parameter(
                    name: "requestProducer",
                    type: "@escaping @Sendable (GRPCCore.RPCWriter<\(request)>) async throws -> Void",
                    documentation: "Writes the requests. They end when it returns."))
        } else {
            parameters.insert(
                Parameter(label: "_", name: "message", type: request, documentation: "The request."), at: 0)
        }
        if form == .closure {
            let type = "GRPCCore.\(streamsResponses ? "Streaming" : "")ClientResponse<\(response)>"
            let fallback = streamsRequests && !streamsResponses ? " = { try $0.message }" : ""
            parameters.append(
                Parameter(
                    label: "onResponse", name: "handleResponse",
                    type: "nonisolated(nonsending) (\(type)) async throws -> Result\(fallback)",
                    documentation: "Gets the response. When the closure returns, the call ends."))
        }
        return parameters
    }
}
