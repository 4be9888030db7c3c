/// A configuration in layers, of which typed parts are decoded by path.
///
/// Later layers win: the defaults of the Swift types, files, environment variables, `--set` options. Mappings are
/// merged key by key; scalars, sequences and null replace what was there.
///
/// Values appear in no description of a configuration: they may be secret.
public struct Configuration: Sendable {
    let root: ConfigurationNode
    /// The keys that were asked for, and how each was read.
    let known: KnownKeys
    private let claimed = ClaimedPaths()

    init(root: ConfigurationNode, known: KnownKeys = KnownKeys()) {
        self.root = root
        self.known = known
    }

    /// Creates a configuration of which everything has its default.
    public init() {
        self.init(root: .emptyMapping)
    }

    /// Creates a configuration from YAML text.
    ///
    /// - Parameters:
    ///   - yaml: One document, whose root is a mapping.
    ///   - origin: What errors say where the text is from, in place of a file's name.
    /// - Throws: ``ConfigurationError`` when the text is not such a document.
    public init(yaml: String, origin: String = "inline") throws(ConfigurationError) {
        try self.init(bytes: Array(yaml.utf8), origin: origin)
    }

    init(bytes: [UInt8], origin: String) throws(ConfigurationError) {
        self.init(root: try ConfigurationLayers.document(bytes, origin: origin))
    }

    /// Decodes the value at a path, and claims it: keys below it are no longer unknown to ``checkForUnknownKeys()``.
    ///
    /// Keys are kebab-case: the property `maxMessage` is `max-message`. Where nothing is configured, or null, an empty
    /// mapping is decoded, so a ``ConfigurationSection`` then has its defaults.
    ///
    /// - Parameters:
    ///   - type: What to decode.
    ///   - path: The keys that lead there, as in `server.grpc`; the root if empty.
    /// - Returns: The value.
    /// - Throws: ``ConfigurationError`` when the value does not fit the type, or has a key that the type does not know.
    public func decode<T: Decodable>(_ type: T.Type, at path: String) throws(ConfigurationError) -> T {
        claim(path)
        let node = try value(at: path) ?? .absent
        return try NodeDecoder.decode(type, from: node, trail: KeyTrail(ConfigurationPath(path)), known: known)
    }

    /// Decodes the value at a path like ``decode(_:at:)`` if there is one that is not null.
    ///
    /// - Parameters:
    ///   - type: What to decode.
    ///   - path: The keys that lead there, as in `server.grpc`; the root if empty.
    /// - Returns: The value, or `nil` when there is none.
    /// - Throws: ``ConfigurationError`` when the value does not fit the type, or has a key that the type does not know.
    public func decodeIfPresent<T: Decodable>(_ type: T.Type, at path: String) throws(ConfigurationError) -> T? {
        guard let node = try value(at: path), !node.isNull else {
            claim(path)
            return nil
        }
        return try decode(type, at: path)
    }

    /// Whether something, be it null, is configured at a path. Defaults do not count.
    public func contains(_ path: String) -> Bool {
        node(at: path) != nil
    }

    /// Where the value at a path is written; `nil` when it is not configured.
    public func location(of path: String) -> SourceLocation? {
        node(at: path)?.location
    }

    /// The keys of the mapping at a path, in the order in which they are written; empty when there is no mapping.
    public func keys(at path: String) -> [String] {
        node(at: path)?.mapping?.entries.map(\.key) ?? []
    }

    /// Says that a path is legitimate although nothing decodes it now, such as the options of a registry backend that
    /// is not selected.
    public func claim(_ path: String) {
        claimed.insert(ConfigurationPath(path))
    }

    /// Refuses keys that no one asked for. Call it when all sections have been decoded.
    ///
    /// Keys inside of decoded sections have already been checked by ``decode(_:at:)``.
    ///
    /// - Throws: ``ConfigurationError`` for the first such key, with its location and a similar key that is known.
    public func checkForUnknownKeys() throws(ConfigurationError) {
        try UnknownKeyCheck(claimed: claimed.all, read: known.paths).check(root)
    }

    // MARK: - Paths

    private func node(at path: String) -> ConfigurationNode? {
        ConfigurationPath(path).keys.reduce(root) { node, key in node?.mapping?[key]?.value }
    }

    /// The node at a path, if there is one.
    ///
    /// - Throws: When something on the way is neither a mapping nor null.
    private func value(at path: String) throws(ConfigurationError) -> ConfigurationNode? {
        var node = root
        var parent = ConfigurationPath()
        for key in ConfigurationPath(path).keys {
            guard !node.isNull else { return nil }
            guard let mapping = node.mapping else {
                throw node.mappingMismatch(at: parent, keyPath: parent.description)
            }
            guard let child = mapping[key]?.value else { return nil }
            node = child
            parent = parent.appending(key)
        }
        return node
    }
}

extension Configuration: CustomReflectable {
    /// Empty, so that printing a configuration by accident shows no secret.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
