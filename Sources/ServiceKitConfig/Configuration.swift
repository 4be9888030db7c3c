/// A configuration in layers. Types decode its parts by path.
///
/// Later layers win: the defaults of the Swift types, files, environment variables, `--set` options. Mappings are
/// merged key by key; scalars, sequences and null replace the earlier value. A key without a value, such as a bare `log:`,
/// leaves the section below it as it is; `log: null` sets it back to its defaults.
///
/// A configuration never changes, and its description shows no values: they may be secret. It remembers the keys that
/// were read, so that ``checkForUnknownKeys()`` finds the others: hence a class.
public final class Configuration: Sendable {
    let root: ConfigurationNode
    let known: KnownKeys
    /// The name whose variant of a section is merged into this configuration; `nil` for the configuration as it is written.
    let view: VariantView?
    /// The origins of the documents that have keys.
    let filledOrigins: Set<String>

    init(
        root: ConfigurationNode, known: KnownKeys = KnownKeys(), view: VariantView? = nil,
        filledOrigins: Set<String> = []
    ) {
        self.root = root
        self.known = known
        self.view = view
        self.filledOrigins = filledOrigins
    }

    /// Creates a configuration that has every default.
    public convenience init() {
        self.init(root: .emptyMapping)
    }

    /// Creates a configuration from one YAML document, whose root is a mapping. Errors name the origin in place of a
    /// file. The environment is that of ``load(files:environment:overrides:)``; none by default.
    public convenience init(
        yaml: String,
        origin: String = "inline",
        environment: [String: String] = [:]
    ) throws(ConfigurationError) {
        try self.init(bytes: Array(yaml.utf8), origin: origin, environment: environment)
    }

    convenience init(bytes: [UInt8], origin: String, environment: [String: String] = [:]) throws(ConfigurationError) {
        let documents = [ConfigurationDocument(origin: origin, bytes: bytes)]
        self.init(root: try LayerStack(documents: documents, environment: environment).merged().root)
    }

    /// Decodes the value at a path, and claims the path: ``checkForUnknownKeys()`` accepts the keys below it.
    ///
    /// Keys are kebab-case: the property `maxMessage` is `max-message`. If the path is null or not configured, an empty
    /// mapping is decoded, so that a ``ConfigurationSection`` has its defaults.
    ///
    /// - Parameters:
    ///   - type: The type to decode.
    ///   - path: The path, such as `server.grpc`; empty for the root.
    ///   - exceptions: Keys of the value that somebody else decodes, such as the sections of `registry` that belong to
    ///     backends.
    /// - Returns: The value.
    /// - Throws: ``ConfigurationError`` when the value does not fit the type, has a key that the type does not know, or a
    ///   value out of its range.
    public func decode<T: Decodable & SendableMetatype>(
        _ type: T.Type,
        at path: String,
        except exceptions: Set<String> = []
    ) throws(ConfigurationError) -> T {
        let value = try read(type, at: path, except: exceptions)
        note(type, at: path, except: exceptions) { configuration throws(ConfigurationError) in
            _ = try configuration.read(type, at: path, except: exceptions)
        }
        return value
    }

    /// Records that the program has read a value, and the closure that reads it again.
    private func note(
        _ type: any (Decodable & SendableMetatype).Type,
        at path: String,
        except exceptions: Set<String> = [],
        again: @escaping @Sendable (Configuration) throws(ConfigurationError) -> Void
    ) {
        let path = ConfigurationPath(path)
        guard let view else { return known.program.note(type, at: path, except: exceptions, again: again) }
        if !view.isUsed { return }
        let written = view.path(of: path)
        known.program.note(type, at: written, except: exceptions) { configuration throws(ConfigurationError) in
            try again(configuration.view(of: view.name, in: view.variants))
        }
    }

    private func read<T: Decodable & SendableMetatype>(
        _ type: T.Type,
        at path: String,
        except exceptions: Set<String> = []
    ) throws(ConfigurationError) -> T {
        claim(path)
        do throws(ConfigurationError) {
            return try NodeDecoder.decode(
                type,
                from: try value(at: path) ?? .absent,
                trail: KeyTrail(ConfigurationPath(path)),
                known: known,
                exceptions: exceptions
            )
        } catch {
            throw renamed(error)
        }
    }

    /// Decodes the value at a path like ``decode(_:at:except:)``; `nil` when it is null or not configured.
    public func decodeIfPresent<T: Decodable & SendableMetatype>(
        _ type: T.Type, at path: String
    ) throws(ConfigurationError) -> T? {
        let value = try readIfPresent(type, at: path)
        note(T?.self, at: path) { configuration throws(ConfigurationError) in
            _ = try configuration.readIfPresent(type, at: path)
        }
        return value
    }

    private func readIfPresent<T: Decodable & SendableMetatype>(
        _ type: T.Type, at path: String
    ) throws(ConfigurationError) -> T? {
        guard let node = try value(at: path), !node.isNull else {
            claim(path)
            known.note(ConfigurationPath(path))
            return nil
        }
        return try read(type, at: path)
    }

    /// Whether a value, even null, is configured at a path. Defaults do not count.
    package func contains(_ path: String) -> Bool {
        node(at: path) != nil
    }

    /// The place of the value at a path; `nil` when it is not configured.
    public func location(of path: String) -> SourceLocation? {
        node(at: path)?.location
    }

    /// The keys of the mapping at a path, in written order; empty when there is no mapping.
    package func keys(at path: String) -> [String] {
        node(at: path)?.mapping?.entries.map(\.key) ?? []
    }

    /// Accepts a path that nothing decodes now: for example, the options of a registry backend that is not selected.
    public func claim(_ path: String) {
        known.program.claim(ConfigurationPath(path))
    }

    /// Refuses keys that no type has asked for. Call it after all sections are decoded: ``decode(_:at:except:)`` has
    /// already checked the keys inside them.
    ///
    /// - Throws: ``ConfigurationError`` for the first such key, with its place and a similar known key.
    public func checkForUnknownKeys() throws(ConfigurationError) {
        try UnknownKeyCheck(claimed: known.program.claims, read: known.paths).check(root)
    }

    // MARK: - Paths

    func node(at path: String) -> ConfigurationNode? {
        ConfigurationPath(path).keys.reduce(root) { node, key in node?.mapping?[key]?.value }
    }

    /// The node at a path, if there is one. Throws when a node on the way is neither a mapping nor null.
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
