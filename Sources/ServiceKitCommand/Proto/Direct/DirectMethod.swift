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

    /// - Parameters:
    ///   - method: The method.
    ///   - name: Its names in the code.
    ///   - service: The name of its service's type.
    ///   - namer: Names the types of messages.
    ///   - access: The access level of the functions.
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

    /// The functions of the stub. One returns the response. One gives it to a closure, with its metadata; a stream of
    /// requests always needs this function.
    var functions: [String] {
        streamsRequests ? [function(hasClosure: true)] : [function(hasClosure: false), function(hasClosure: true)]
    }

    private struct Parameter {
        var label: String?
        let name: String
        let type: String
        let documentation: String

        var declaration: String { "\(label.map { "\($0) " } ?? "")\(name): \(type)" }
        var argument: String { label == "_" ? name : "\(label ?? name): \(name)" }
    }

    private func function(hasClosure: Bool) -> String {
        let parameters = parameters(hasClosure: hasClosure)
        var arguments = parameters.map(\.argument)
        arguments.insert(descriptor, at: streamsRequests ? 0 : 1)
        // A stream of responses begins when it is read.
        let calls = hasClosure || !streamsResponses
        let result = hasClosure ? "Result" : calls ? response : "ServiceKitGRPC.ResponseStream<\(response)>"
        let (returns, error) =
            hasClosure
            ? ("The result of the closure.", "The error of the closure.")
            : (calls ? "The response." : "The responses. Each loop over them makes a call.", "`RPCError` if the call fails.")
        return """
            \(comment)///
            /// - Parameters:
            \(parameters.map { "///   - \($0.name): \($0.documentation)" }.joined(separator: "\n"))
            /// - Returns: \(returns)
            \(calls ? "/// - Throws: \(error)\n" : "")\
            \(calls ? "nonisolated(nonsending) " : "")\(access) func \(name.function)\(hasClosure ? "<Result: Sendable>" : "")(
            \(parameters.map(\.declaration).joined(separator: ",\n").indented(1))
            )\(calls ? " async throws" : "") -> \(result) {
                \(calls ? "try await " : "")channel.\(kind)(\(arguments.joined(separator: ", ")))
            }
            """
    }

    private func parameters(hasClosure: Bool) -> [Parameter] {
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
        if hasClosure {
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
