/// Reads the JSON of an instance in its plain form, which nearly all have: strings without escapes, and no members but an
/// instance's. It takes a tenth of a JSON decoder's time, which counts when a registry lists ten thousand instances. It
/// leaves any other JSON to the decoder.
package struct PlainInstanceReader {
    private var scanner: JSONScanner
    private let service: String

    /// The instance in some JSON, whose service most likely has this name; `nil` where the JSON is not plain, or not an
    /// instance's.
    package static func instance(in bytes: [UInt8], service: String) -> ServiceInstance? {
        var reader = PlainInstanceReader(scanner: JSONScanner(bytes), service: service)
        guard let instance = reader.instance(), reader.scanner.isAtEnd else { return nil }
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
                id = reader.scanner.takePlainString()
                return id != nil
            case "name" where name == nil:
                name = reader.scanner.takePlainString()
                return name != nil
            case "version" where version == nil:
                version = reader.scanner.takePlainString()
                return version != nil
            case "metadata" where metadata == nil:
                metadata = reader.scanner.takeNull() ? [:] : reader.labels()
                return metadata != nil
            case "endpoints" where endpoints == nil:
                endpoints = reader.scanner.takeNull() ? [] : reader.endpoints()
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
            guard let value = reader.scanner.takePlainString() else { return false }
            return labels.updateValue(value, forKey: key) == nil
        }
        return isRead ? labels : nil
    }

    private mutating func endpoints() -> [Endpoint]? {
        var endpoints: [Endpoint] = []
        guard scanner.take("[") else { return nil }
        if scanner.take("]") { return [] }
        repeat {
            guard let endpoint = scanner.takePlainString().flatMap(Endpoint.init) else { return nil }
            endpoints.append(endpoint)
        } while scanner.take(",")
        return scanner.take("]") ? endpoints : nil
    }

    private mutating func members(_ read: (inout PlainInstanceReader, String) -> Bool) -> Bool {
        guard scanner.take("{") else { return false }
        if scanner.take("}") { return true }
        repeat {
            guard let key = scanner.takePlainString(), scanner.take(":"), read(&self, key) else { return false }
        } while scanner.take(",")
        return scanner.take("}")
    }
}
