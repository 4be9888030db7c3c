import GRPCCore
import HTTPTypes
import ServiceKit
import ServiceKitHTTPClient
import ServiceKitProtobuf

/// Calls over HTTP, by the protocol of Connect with JSON (https://connectrpc.com/docs/protocol).
extension CallSession {
    /// Makes the call, and prints each message of the response at once.
    func call(_ chosen: (service: String, method: MethodType), over client: ServiceHTTPClient) async throws {
        let method = chosen.method
        let isStream = method.isClientStreaming || method.isServerStreaming
        var headers: HTTPFields = [.contentType: isStream ? "application/connect+json" : "application/json"]
        for (name, value) in metadata {
            guard let name = HTTPField.Name(name) else { continue }
            headers.append(HTTPField(name: name, value: value.encoded()))
        }
        let documents = documents.isEmpty && !method.isClientStreaming ? [Array("{}".utf8)] : documents
        let body = isStream ? documents.flatMap { Self.envelope($0) } : documents.first ?? []
        let path = "/\(chosen.service)/\(method.name)"
        do {
            let response = try await client.send(
                .post, path, headers: headers, body: .bytes(body), operation: path, timeout: deadline - .now)
            try await response.requireSuccess()
            if isStream {
                try await printStream(response.body)
            } else {
                try printMessage(try await response.body.collect(upTo: CallInput.limit))
            }
        } catch let error as ServiceError where error.code == .deadlineExceeded {
            throw CommandFailure(
                "\(error.statusLine); waited for \(target.peer) to answer \(method.name); --timeout sets a longer time")
        } catch let error as ServiceError {
            throw CommandFailure(error.statusLine)
        }
    }

    /// The flag of the envelope that ends a stream.
    private static let endFlag: UInt8 = 2

    private static func envelope(_ document: [UInt8]) -> [UInt8] {
        [0] + withUnsafeBytes(of: UInt32(document.count).bigEndian, Array.init) + document
    }

    private func printStream(_ body: ResponseContent) async throws {
        var bytes: ArraySlice<UInt8> = []
        for try await piece in body {
            bytes += piece
            while bytes.count >= 5 {
                let length = bytes.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
                guard length <= CallInput.limit else {
                    throw CommandFailure("a message of \(target.peer) is longer than \(CallInput.limit >> 20) MiB")
                }
                guard bytes.count >= 5 + length else { break }
                let flags = bytes[bytes.startIndex]
                let document = Array(bytes.dropFirst(5).prefix(length))
                bytes = bytes.dropFirst(5 + length)
                if flags & Self.endFlag != 0 { return try Self.end(document) }
                try printMessage(document)
            }
        }
        throw CommandFailure("\(target.peer) ended the stream without its end")
    }

    /// Reads the end of a stream: `{}`, or `{"error": {"code": "not_found", "message": "…"}}`.
    private static func end(_ document: [UInt8]) throws {
        guard case .object(let members) = try parse(document),
            case .object(let error)? = members.first(where: { $0.name == "error" })?.value
        else { return }
        func text(_ name: String) -> String {
            if case .string(let text)? = error.first(where: { $0.name == name })?.value { text } else { "" }
        }
        throw CommandFailure("\(text("code").uppercased()): \(text("message"))".onOneLine)
    }

    private func printMessage(_ document: [UInt8]) throws {
        output.print(try Self.parse(document).prettyText)
    }

    private static func parse(_ document: [UInt8]) throws -> JSONValue {
        do {
            return try JSONParser.parse(String(decoding: document, as: UTF8.self))
        } catch {
            throw CommandFailure("the response is no JSON: \(error)")
        }
    }
}

extension ServiceError {
    /// `NOT_FOUND: there is no user 9`.
    fileprivate var statusLine: String { "\(CallStatus(code).name): \(message)".onOneLine }
}
