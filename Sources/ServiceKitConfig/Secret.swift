/// A secret value, such as a password. Nothing but ``value`` shows it: printing gives `***`, and so do the errors and the
/// tools that read the configuration.
///
/// ```swift
/// struct DatabaseSettings: ConfigurationSection {
///     var host = "localhost"
///     var password = Secret("")
/// }
/// ```
public struct Secret<Value: Codable & Sendable>: Sendable {
    /// The secret itself.
    public let value: Value

    /// Wraps a secret.
    public init(_ value: Value) {
        self.value = value
    }
}

extension Secret: Equatable where Value: Equatable {}
extension Secret: Hashable where Value: Hashable {}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `***`
    public var description: String { URLSecrets.mask }
    /// `***`
    public var debugDescription: String { URLSecrets.mask }
    /// Empty, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret: Codable {
    /// Reads the value as its type does.
    ///
    /// - Throws: The error of the type.
    public init(from decoder: any Decoder) throws {
        value = try Value(from: decoder)
    }

    /// Writes `***`, so that no JSON has the secret by accident.
    public func encode(to encoder: any Encoder) throws {
        try URLSecrets.mask.encode(to: encoder)
    }
}

/// A secret of any type, for the encoder of defaults and the decoder.
protocol SecretWrapper {
    static func decode(
        from node: ConfigurationNode, trail: KeyTrail, known: KnownKeys
    ) throws(ConfigurationError) -> Self
    static var wrapped: any Decodable.Type { get }
    var secret: any Encodable { get }
}

extension Secret: SecretWrapper {
    static func decode(
        from node: ConfigurationNode,
        trail: KeyTrail,
        known: KnownKeys
    ) throws(ConfigurationError) -> Secret {
        known.noteSecret(trail.path)
        return Secret(try NodeDecoder.decode(Value.self, from: node.hidden, trail: trail, known: known))
    }

    static var wrapped: any Decodable.Type { Value.self }
    var secret: any Encodable { value }
}
