package import GRPCCore
package import ServiceKitHTTP2

/// Metadata that cannot be sent, or that came in and makes no sense.
package struct MetadataError: Error, Hashable, CustomStringConvertible {
    package var description: String
}

extension HeaderBlock {
    private static let userAgent = "user-agent"

    /// Appends metadata as header fields. Fields of the transport are left out.
    package mutating func append(_ metadata: Metadata) throws(MetadataError) {
        for (key, value) in metadata {
            let name = key.utf8.contains(where: { (0x41...0x5a).contains($0) }) ? key.lowercased() : key
            guard name != Self.userAgent, !name.withBytes(HeaderName.isReserved) else { continue }
            guard HeaderName.isValid(name.utf8) else {
                throw MetadataError(
                    description: "metadata key \"\(key)\" cannot be sent: keys are letters, digits, '_', '-' and '.'"
                )
            }
            switch value {
            case .binary(let bytes):
                guard name.hasSuffix(HeaderName.binarySuffix) else {
                    throw MetadataError(
                        description: "metadata key \"\(key)\" has a binary value: its name has to end in \"-bin\""
                    )
                }
                self.append(name: name, value: Base64.encode(bytes))
            case .string(let text):
                guard text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
                    throw MetadataError(
                        description: """
                            the value of metadata key "\(key)" is not printable ASCII: send it as binary, under a key \
                            that ends in "-bin"
                            """
                    )
                }
                self.append(name: name, value: Self.trimmed(text))
            }
        }
    }

    /// HTTP forbids white space around a value; gRPC lets it be dropped.
    private static func trimmed(_ text: String) -> String {
        let space = UInt8(ascii: " ")
        guard text.utf8.first == space || text.utf8.last == space else { return text }
        var bytes = text.utf8.drop { $0 == space }
        while bytes.last == space { bytes.removeLast() }
        return String(bytes) ?? ""
    }
}

extension Metadata {
    /// Adds a received header field that is not reserved.
    package mutating func add(
        name: UnsafeBufferPointer<UInt8>,
        value: UnsafeBufferPointer<UInt8>
    ) throws(MetadataError) {
        let key = String(decoding: name, as: UTF8.self)
        guard name.hasSuffix("-bin") else {
            addString(String(decoding: value, as: UTF8.self), forKey: key)
            return
        }
        // Several values of a key may have been joined on their way.
        for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let bytes = Base64.decode(UnsafeBufferPointer(rebasing: part).trimmed) else {
                throw MetadataError(description: "the value of metadata key \"\(key)\" is not base64")
            }
            addBinary(bytes, forKey: key)
        }
    }
}
