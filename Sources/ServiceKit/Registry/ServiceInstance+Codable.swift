private import ServiceKitConfig

extension ServiceInstance: Codable {
    private typealias CodingKeys = InstanceRecord.CodingKeys

    /// Decodes the JSON form, as leniently as ``ServiceInstance`` says.
    ///
    /// - Throws: `DecodingError` when it is not an object, or has no `id` or no `name`.
    public init(from decoder: any Decoder) throws {
        let record = try InstanceRecord(from: decoder)
        for (key, value) in [(CodingKeys.id, record.id), (.name, record.name)] where value == nil {
            let context = DecodingError.Context(
                codingPath: decoder.codingPath,
                debugDescription: "the instance has no \"\(key.rawValue)\""
            )
            throw DecodingError.keyNotFound(key, context)
        }
        self = record.instance(id: "", name: "")
    }

    /// Encodes the JSON form, with endpoints that could not be read behind the others.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(version, forKey: .version)
        try container.encode(metadata, forKey: .metadata)
        try container.encode(endpoints.map(\.description) + unreadable.map(\.text), forKey: .endpoints)
    }
}

/// The JSON of an instance, from any framework: a part that cannot be read leaves the others readable.
package struct InstanceRecord: Decodable {
    /// The instance's id, if the JSON has one.
    package let id: String?
    /// The service's name, if the JSON has one.
    package let name: String?
    /// Whether it has a list of endpoints; the list may be empty or null.
    package let hasEndpoints: Bool
    private let version: String
    private let metadata: [String: String]
    private var endpoints: [Endpoint] = []
    private var unreadable: [UnreadableEndpoint] = []

    fileprivate enum CodingKeys: String, CodingKey { case id, name, version, metadata, endpoints }

    /// Decodes all that can be read. Throws `DecodingError` when it is not an object.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) -> String? { (try? container.decode(ScalarText.self, forKey: key))?.text }
        id = text(.id)
        name = text(.name)
        version = text(.version) ?? ""
        metadata = (try? container.decode(LabelTexts.self, forKey: .metadata))?.values ?? [:]
        hasEndpoints = container.contains(.endpoints)
        let texts = (try? container.decode([ScalarText].self, forKey: .endpoints).map(\.text)) ?? [text(.endpoints)]
        for text in texts.compactMap(\.self) {
            if let endpoint = Endpoint(text) {
                endpoints.append(endpoint)
            } else {
                unreadable.append(UnreadableEndpoint(text: text))
            }
        }
    }

    /// The instance, which nothing has validated, with this id and this service's name where the record says none.
    package func instance(id: String, name: String) -> ServiceInstance {
        var instance = ServiceInstance(
            id: self.id ?? id,
            name: self.name ?? name,
            version: version,
            metadata: metadata,
            endpoints: endpoints
        )
        instance.unreadable = unreadable
        return instance
    }
}

/// Labels: the members of a JSON object that are text, numbers or truth values.
package struct LabelTexts: Decodable {
    package let values: [String: String]

    /// Leaves out null, objects and arrays.
    package init(from decoder: any Decoder) throws {
        values = try decoder.singleValueContainer().decode([String: ScalarText].self).compactMapValues(\.text)
    }
}

/// A JSON value as text: `nil` where it is null, or has parts.
private struct ScalarText: Decodable {
    let text: String?

    init(from decoder: any Decoder) throws {
        guard let container = try? decoder.singleValueContainer() else {
            text = nil
            return
        }
        text =
            (try? container.decode(String.self))
            ?? (try? container.decode(Bool.self)).map { "\($0)" }
            ?? (try? container.decode(Int64.self)).map { "\($0)" }
            ?? (try? container.decode(UInt64.self)).map { "\($0)" }
            ?? (try? container.decode(Double.self)).map { "\($0)" }
    }
}

/// An endpoint that is not of the form `scheme://host:port`. Descriptions of it mask passwords.
struct UnreadableEndpoint: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// The text as it was read.
    let text: String

    var description: String { URLSecrets.masked(address: text) }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: ["text": description], displayStyle: .struct) }
}
