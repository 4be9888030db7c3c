/// Reads the JSON of an instance in its plain form, which nearly all have: strings without escapes, and no members but an
/// instance's. It takes a tenth of a JSON decoder's time, which counts when a registry lists ten thousand instances. It
/// leaves any other JSON to the decoder.
package struct PlainInstanceReader {
    private let bytes: [UInt8]
    private let service: String
    private var index = 0

    private init(_ bytes: [UInt8], service: String) {
        self.bytes = bytes
        self.service = service
    }

    /// - Parameters:
    ///   - bytes: The JSON.
    ///   - service: The name that the instance most likely has.
    /// - Returns: `nil` where the JSON is not plain, or not an instance's.
    package static func instance(in bytes: [UInt8], service: String) -> ServiceInstance? {
        var reader = PlainInstanceReader(bytes, service: service)
        guard let instance = reader.instance(), reader.isAtEnd else { return nil }
        return instance
    }

    private mutating func instance() -> ServiceInstance? {
        var (id, name, version): (String?, String?, String?)
        var metadata: [String: String]?
        var endpoints: [Endpoint]?
        // A member that comes twice is not plain.
        let isRead = members { reader, key in
            switch key {
            case "id" where id == nil:
                id = reader.string()
                return id != nil
            case "name" where name == nil:
                name = reader.string()
                return name != nil
            case "version" where version == nil:
                version = reader.string()
                return version != nil
            case "metadata" where metadata == nil:
                metadata = reader.isNull() ? [:] : reader.labels()
                return metadata != nil
            case "endpoints" where endpoints == nil:
                endpoints = reader.isNull() ? [] : reader.endpoints()
                return endpoints != nil
            default:
                return false
            }
        }
        guard isRead, let id, let name else { return nil }
        return ServiceInstance(
            id: id,
            // All that have the same name then share its storage.
            name: name == service ? service : name,
            version: version ?? "",
            metadata: metadata ?? [:],
            endpoints: endpoints ?? []
        )
    }

    private mutating func labels() -> [String: String]? {
        var labels: [String: String] = [:]
        let isRead = members { reader, key in
            guard let value = reader.string() else { return false }
            return labels.updateValue(value, forKey: key) == nil
        }
        return isRead ? labels : nil
    }

    private mutating func endpoints() -> [Endpoint]? {
        var endpoints: [Endpoint] = []
        guard take("[") else { return nil }
        if take("]") { return [] }
        repeat {
            guard let endpoint = string().flatMap(Endpoint.init) else { return nil }
            endpoints.append(endpoint)
        } while take(",")
        return take("]") ? endpoints : nil
    }

    // MARK: - JSON

    /// The members of an object.
    private mutating func members(_ read: (inout PlainInstanceReader, String) -> Bool) -> Bool {
        guard take("{") else { return false }
        if take("}") { return true }
        repeat {
            guard let key = string(), take(":"), read(&self, key) else { return false }
        } while take(",")
        return take("}")
    }

    /// A string without escapes.
    private mutating func string() -> String? {
        guard take("\"") else { return nil }
        let start = index
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                defer { index += 1 }
                return String(validating: bytes[start..<index], as: UTF8.self)
            case UInt8(ascii: "\\"), 0..<0x20:
                return nil
            default:
                index += 1
            }
        }
        return nil
    }

    private mutating func isNull() -> Bool {
        skipSpace()
        guard bytes[index...].starts(with: "null".utf8) else { return false }
        index += 4
        return true
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return index == bytes.endIndex
        }
    }

    private mutating func skipSpace() {
        while index < bytes.endIndex {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }
}
