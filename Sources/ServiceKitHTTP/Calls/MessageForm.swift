import GRPCCore
import ServiceKitProtobuf

/// The form of a call's messages.
enum MessageForm: Sendable {
    /// The wire format of Protocol Buffers.
    case binary
    /// JSON, with the converters of request and response.
    case json(request: JSONTranscoder, response: JSONTranscoder)

    /// A message of the request, in the wire format.
    ///
    /// - Throws: `RPCError` that names the field.
    func decode(_ bytes: [UInt8]) throws -> [UInt8] {
        guard case .json(let request, _) = self else { return bytes }
        // No body is no field.
        guard !bytes.isEmpty else { return [] }
        do throws(JSONError) {
            return try request.decode(bytes)
        } catch {
            throw RPCError(code: .invalidArgument, message: "the JSON of the request cannot be read: \(error)")
        }
    }

    /// A message of the response, given in the wire format.
    ///
    /// - Throws: `RPCError` if it has no such form.
    func encode(_ message: [UInt8]) throws -> [UInt8] {
        guard case .json(_, let response) = self else { return message }
        do throws(JSONError) {
            return try response.encode(message)
        } catch {
            throw RPCError(code: .internalError, message: "the response has no form in JSON: \(error)")
        }
    }
}
