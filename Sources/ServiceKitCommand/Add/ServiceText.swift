import FoundationEssentials
import SwiftProtobuf

/// The text of a .proto file. A call is added at the end of a service, which protoc locates.
struct ServiceText: Sendable {
    private let bytes: [UInt8]
    private let isWindows: Bool
    /// The offset of the service's closing brace.
    private let end: Int
    private let hasCalls: Bool

    /// The number of the services' field in a file's descriptor.
    private static let serviceField: Int32 = 6

    /// Throws `CommandFailure` when the file's descriptor does not have the place of the service with this index.
    init(_ bytes: [UInt8], file: Google_Protobuf_FileDescriptorProto, service: Int) throws {
        self.bytes = bytes
        isWindows = bytes.indices.dropFirst().contains {
            bytes[$0] == UInt8(ascii: "\n") && bytes[$0 - 1] == UInt8(ascii: "\r")
        }
        hasCalls = !file.service[service].method.isEmpty
        let path = [Self.serviceField, Int32(service)]
        // The first line and column, the last line if it differs, and the last column.
        let span = file.sourceCodeInfo.location.first { $0.path == path }?.span ?? []
        guard span.count >= 3,
            let end = Self.offset(line: span[span.count == 3 ? 0 : 2], column: span[span.count - 1], in: bytes),
            end > 0, bytes[end - 1] == UInt8(ascii: "}")
        else {
            throw CommandFailure("\(file.name): the end of the service \(file.service[service].name) is not found")
        }
        self.end = end - 1
    }

    /// The text with a new call, with its path over HTTP if it has one, and at the end with declarations of some messages.
    func adding(
        _ call: String, _ request: String, _ response: String, at path: String? = nil, declaring messages: [String]
    ) -> [UInt8] {
        // Before the brace, and after the text before it.
        var before = bytes[..<end]
        while let last = before.last, " \n\t\r".utf8.contains(last) { before.removeLast() }
        var added = hasCalls ? "\n\n" : "\n"
        added += "  rpc \(call)(\(request)) returns (\(response))"
        if let path {
            added += " {\n    option (google.api.http) = {\n      post: \"\(path)\"\n      body: \"*\"\n    };\n  }\n"
        } else {
            added += ";\n"
        }
        var tail = bytes.last == UInt8(ascii: "\n") ? "" : "\n"
        for message in messages { tail += "\nmessage \(message) {}\n" }
        return before + lines(added) + bytes[end...] + lines(tail)
    }

    private func lines(_ text: String) -> [UInt8] {
        Array((isWindows ? text.replacing("\n", with: "\r\n") : text).utf8)
    }

    /// The offset of a place. protoc counts lines and columns from 0, with tabs up to the next multiple of 8.
    private static func offset(line: Int32, column: Int32, in bytes: [UInt8]) -> Int? {
        var (currentLine, currentColumn) = (Int32(0), Int32(0))
        for (offset, byte) in bytes.enumerated() {
            if (currentLine, currentColumn) == (line, column) { return offset }
            switch byte {
            case UInt8(ascii: "\n"): (currentLine, currentColumn) = (currentLine + 1, 0)
            case UInt8(ascii: "\t"): currentColumn += 8 - currentColumn % 8
            default: currentColumn += 1
            }
        }
        return (currentLine, currentColumn) == (line, column) ? bytes.count : nil
    }
}
