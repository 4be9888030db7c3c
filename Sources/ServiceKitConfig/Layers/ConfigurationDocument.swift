/// A part of a configuration as a source delivers it: bytes that nobody has read yet.
///
/// All sources deliver documents, so that all have the same limits and the same errors.
public struct ConfigurationDocument: Sendable, Hashable {
    /// The origin in errors: a file's path, or a key in a store.
    public var origin: String
    /// The document in YAML, in UTF-8.
    public var bytes: [UInt8]
    /// The path of the value that the document is, such as `server.timeouts`; `nil` for a whole configuration.
    public var path: String?

    /// Creates a document from YAML. The path is that of the value that the document is; `nil` for a whole configuration.
    public init(origin: String, bytes: [UInt8], path: String? = nil) {
        self.origin = origin
        self.bytes = bytes
        self.path = path
    }
}

extension ConfigurationDocument {
    /// The document merged over a tree, with its placeholders. Throws ``ConfigurationError`` when it is not YAML, or not a
    /// mapping where it must be one.
    func merged(over root: ConfigurationNode) throws(ConfigurationError) -> ConfigurationNode {
        let value = try YAMLComposer.compose(bytes, origin: YAMLComposer.Origin(name: origin), at: path ?? "")
        if let path { return try root.setting(value ?? .absent, at: ConfigurationPath(path)) }
        guard let value, !value.isNull else { return root }
        guard value.mapping != nil else {
            throw ConfigurationError(
                message: "the root must be a mapping of keys to values, found \(value.kind)",
                location: value.location
            )
        }
        return root.merged(with: value)
    }
}
