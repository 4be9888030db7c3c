/// An unusable configuration: the place, the key, the fault and its remedy.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The fault and its remedy. Never contains the value of a key that looks secret, nor a URL's password.
    public let message: String

    /// The place of the offending key or value; `nil` when it is not written anywhere.
    public let location: SourceLocation?

    /// The key, such as `server.grpc.listen` or `nodes[2].host`; `nil` when the error concerns no single key.
    public let keyPath: String?

    /// Whether it may be no mistake elsewhere: with the variables and files of the machine on which the service runs.
    package var isLocal = false

    /// Creates an error. The message is the fault and its remedy, without the place and the key.
    public init(message: String, location: SourceLocation? = nil, keyPath: String? = nil) {
        self.message = URLSecrets.masked(message)
        self.location = location
        self.keyPath = keyPath?.isEmpty == true ? nil : keyPath
    }

    /// The error with what failed before its message, at another key and without a place: that of the key is added later.
    package func explained(_ failure: String, at keyPath: String) -> ConfigurationError {
        var error = ConfigurationError(message: "\(failure): \(message)", keyPath: keyPath)
        error.isLocal = isLocal
        return error
    }

    /// One line: `config/user-server.yaml:14:5: server.grpc.lisen: unknown key; did you mean "listen"?`
    public var description: String {
        var parts: [String] = []
        if let location { parts.append(location.description) }
        // "--set a.b" already names the key.
        if let keyPath, location?.origin != OverrideLayer.origin(of: keyPath) { parts.append(keyPath) }
        parts.append(message)
        return parts.map { Excerpt.line($0) }.joined(separator: ": ")
    }
}
