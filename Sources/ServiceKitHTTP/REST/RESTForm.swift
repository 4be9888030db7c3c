import GRPCCore
import ServiceKit
import ServiceKitProtobuf

/// The form of a method's responses over REST.
struct RESTForm: Sendable {
    /// The path of the method, `/package.Service/Method`.
    let operation: String
    let errors: ErrorForm
    /// The program's changes of responses.
    let adjustments: [RESTReply.Adjustment]
    /// Whether a body has the bytes of a `google.api.HttpBody`, whatever their type.
    let isRaw: Bool
    /// Makes the body of a message.
    let encode: @Sendable (_ message: [UInt8]) throws -> RESTBody

    /// - Parameters:
    ///   - operation: The path of the method.
    ///   - type: The method.
    ///   - binding: Makes JSON of its messages.
    ///   - errors: The form of errors.
    ///   - adjustments: The program's changes of responses.
    init(
        _ operation: String, _ type: MethodType, _ binding: RequestBinding, errors: ErrorForm,
        adjustments: [RESTReply.Adjustment]
    ) {
        self.operation = operation
        self.errors = errors
        self.adjustments = adjustments
        isRaw = type.output == RESTRoute.httpBody || binding.rawResponseField != nil
        if type.output == RESTRoute.httpBody {
            encode = { try RESTBody(httpBody: $0) }
            return
        }
        if let field = binding.rawResponseField {
            encode = { try RESTBody(httpBody: field, of: $0) }
            return
        }
        encode = { message in
            var body = RESTBody(contentType: "application/json", bytes: [])
            do throws(JSONError) {
                try message.withUnsafeBufferPointer { message throws(JSONError) in
                    try binding.response(UnsafeRawBufferPointer(message), into: &body.bytes)
                }
            } catch {
                throw RPCError(code: .internalError, message: "the response has no form in JSON: \(error)")
            }
            return body
        }
    }
}
