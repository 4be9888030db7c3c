import FoundationEssentials
import SwiftProtobuf

/// The text of a .proto file, to which a call is added where protoc says that the service ends.
struct ServiceText: Sendable {
    private let bytes: [UInt8]
    private let isWindows: Bool
    /// Where the closing brace of the service is.
    private let end: Int
    private let hasCalls: Bool

    /// The number of the services' field in a file's descriptor.
    private static let serviceField: Int32 = 6

    /// - Parameters:
    ///   - bytes: The file.
    ///   - file: Its descriptor, with the places of declarations.
    ///   - service: The service's place among those of the file.
    /// - Throws: `CommandFailure` when protoc has not said where the service is.
    init(_ bytes: [UInt8], file: Google_Protobuf_FileDescriptorProto, service: Int) throws {
        self.bytes = bytes
        isWindows = bytes.indices.dropFirst().contains {
            bytes[$0] == UInt8(ascii: "\n") && bytes[$0 - 1] == UInt8(ascii: "\r")
        }
        hasCalls = !file.service[service].method.isEmpty
        let path = [Self.serviceField, Int32(service)]
        // The first line and column, the last line where that is another one, and the last column.
        let span = file.sourceCodeInfo.location.first { $0.path == path }?.span ?? []
        guard span.count >= 3,
            let end = Self.offset(line: span[span.count == 3 ? 0 : 2], column: span[span.count - 1], in: bytes),
            end > 0, bytes[end - 1] == UInt8(ascii: "}")
        else {
            throw CommandFailure("\(file.name): the end of the service \(file.service[service].name) is not found")
        }
        self.end = end - 1
    }

    /// The text with a call, and with messages at the end.
    ///
    /// - Parameters:
    ///   - call: Its name.
    ///   - request: The type that it takes.
    ///   - response: The type that it returns.
    ///   - messages: The types to declare.
    func adding(_ call: String, _ request: String, _ response: String, declaring messages: [String]) -> [UInt8] {
        // Before the brace, and after what stands before it.
        var before = bytes[..<end]
        while let last = before.last, " \n\t\r".utf8.contains(last) { before.removeLast() }
        var added = hasCalls ? "\n\n" : "\n"
        added += "  rpc \(call)(\(request)) returns (\(response));\n"
        var tail = bytes.last == UInt8(ascii: "\n") ? "" : "\n"
        for message in messages { tail += "\nmessage \(message) {}\n" }
        return before + lines(added) + bytes[end...] + lines(tail)
    }

    private func lines(_ text: String) -> [UInt8] {
        Array((isWindows ? text.replacing("\n", with: "\r\n") : text).utf8)
    }

    /// The offset of a place as protoc counts: lines and columns from 0, with tabs to the next multiple of 8.
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
