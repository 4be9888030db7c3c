/// A configuration that cannot be used: where, which key, and what to do about it.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong and how to put it right. Never holds the value of a key that looks secret,
    /// nor the password of a URL.
    public let message: String

    /// Where the offending key or value is written; `nil` when it is written nowhere.
    public let location: SourceLocation?

    /// The key, as in `server.grpc.listen` or `nodes[2].host`; `nil` when the error concerns no single key.
    public let keyPath: String?

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - message: What is wrong and how to put it right, without the location and the key.
    ///   - location: Where the offending key or value is written.
    ///   - keyPath: The key, as in `server.grpc.listen`.
    public init(message: String, location: SourceLocation? = nil, keyPath: String? = nil) {
        self.message = URLSecrets.masked(message)
        self.location = location
        self.keyPath = keyPath?.isEmpty == true ? nil : keyPath
    }

    /// One line: `config/user-server.yaml:14:5: server.grpc.lisen: unknown key; did you mean "listen"?`
    public var description: String {
        var parts: [String] = []
        if let location {
            parts.append(location.description)
        }
        // "--set a.b" already names the key.
        if let keyPath, location?.origin != OverrideLayer.origin(of: keyPath) {
            parts.append(keyPath)
        }
        parts.append(message)
        return parts.map { Excerpt.line($0) }.joined(separator: ": ")
    }
}
