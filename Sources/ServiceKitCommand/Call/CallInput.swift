import GRPCCore
import ServiceKitProtobuf
import SystemPackage

/// The messages of the request, from the command line.
enum CallInput {
    /// The largest JSON input, in bytes.
    static let limit = 64 << 20

    /// The JSON documents of `-d`: JSON, `@FILE`, or `@-` for standard input.
    static func documents(_ data: String?) throws(CommandFailure) -> [[UInt8]] {
        guard let data else { return [] }
        var parser = JSONParser(data.hasPrefix("@") ? try read(String(data.dropFirst())) : Array(data.utf8))
        var documents: [[UInt8]] = []
        do {
            while let document = try parser.nextText() { documents.append(document) }
        } catch {
            throw CommandFailure("-d: \(error)")
        }
        return documents
    }

    private static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        var result: [UInt8] = []
        do {
            let file = try path == "-" ? .standardInput : FileDescriptor.open(path, .readOnly)
            defer { if path != "-" { try? file.close() } }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while result.count <= limit {
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { break }
                result += buffer[..<count]
            }
        } catch {
            throw CommandFailure("-d: cannot read \(path): \(error)")
        }
        guard result.count <= limit else { throw CommandFailure("-d: \(path) is longer than \(limit >> 20) MiB") }
        return result
    }

    /// The messages of a method's request in the wire format. A method that takes one message gets an empty one by
    /// default.
    static func messages(
        _ documents: [[UInt8]],
        for method: MethodType,
        in pool: DescriptorPool
    ) throws(CommandFailure) -> [[UInt8]] {
        if !method.isClientStreaming, documents.count > 1 {
            throw CommandFailure("\(method.name) takes one message, and -d has \(documents.count)")
        }
        var messages: [[UInt8]] = []
        do {
            let transcoder = try JSONTranscoder(method.input, in: MessageTables(pool))
            if documents.isEmpty, !method.isClientStreaming { return [[]] }
            for document in documents { messages.append(try transcoder.decode(document)) }
        } catch {
            let place = documents.count > 1 ? " (message \(messages.count + 1))" : ""
            throw CommandFailure("-d\(place): \(error)")
        }
        return messages
    }

    /// Reads headers of the form `name: value`. Values of names that end in `-bin` are base64.
    static func metadata(_ headers: [String]) throws(CommandFailure) -> Metadata {
        var metadata = Metadata()
        for header in headers {
            guard let colon = header.firstIndex(of: ":"), colon > header.startIndex else {
                throw CommandFailure("-H: \"\(header)\" is not a header; write name: value")
            }
            let name = header[..<colon].lowercased()
            let value = header[header.index(after: colon)...].drop { $0 == " " }
            guard name.wholeMatch(of: /[a-z0-9._-]+/) != nil, !name.hasPrefix("grpc-") else {
                throw CommandFailure("-H: \"\(name)\" cannot be the name of a header")
            }
            guard name.hasSuffix("-bin") else {
                guard value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                    throw CommandFailure(
                        "-H: \(name) holds more than printable ASCII; give it as \(name)-bin in base64")
                }
                metadata.addString(String(value), forKey: name)
                continue
            }
            guard let bytes = Base64.decode(String(value)) else {
                throw CommandFailure("-H: \(name) is binary: give its value in base64")
            }
            metadata.addBinary(bytes, forKey: name)
        }
        return metadata
    }
}
