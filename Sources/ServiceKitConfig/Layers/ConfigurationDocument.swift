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
    /// Whether a source delivers it that the configuration itself has named.
    private var isFromSource = false

    /// Creates a document from YAML. The path is that of the value that the document is; `nil` for a whole configuration.
    public init(origin: String, bytes: [UInt8], path: String? = nil) {
        self.origin = origin
        self.bytes = bytes
        self.path = path
    }
}

extension ConfigurationDocument {
    /// The document of a source that the configuration itself has named. It cannot name sources in its turn: they are
    /// looked up once, before any of them is read.
    package var fromSource: ConfigurationDocument {
        var document = self
        document.isFromSource = true
        return document
    }

    private static let sources = "config"

    private func sourceFailure(at location: SourceLocation?, _ path: String) -> ConfigurationError {
        ConfigurationError(
            message: "only files, variables and --set name sources of the configuration; remove it here",
            location: location ?? SourceLocation(origin: origin),
            keyPath: path
        )
    }

    /// Whether the document has no keys, and does not say so with `{}`. A text that is not YAML is not blank.
    package var isBlank: Bool {
        do {
            return try YAMLComposer.compose(bytes, origin: .file(origin), at: path ?? "")?.isNull ?? true
        } catch {
            return false
        }
    }

    /// The error of a document that has lost its keys while the program runs.
    package var emptied: ConfigurationError {
        ConfigurationError(
            message: "has no keys any more; if all of them shall go, write {}", location: SourceLocation(origin: origin)
        )
    }

    /// The contents of a document, for its next version.
    enum Contents {
        /// Keys, or a single value.
        case some
        /// No keys, and somebody wrote so: `{}`.
        case noKeys
        /// Nothing, or comments alone.
        case blank
    }

    /// Merges the document into a tree, with its placeholders. Throws ``ConfigurationError`` when it is not YAML, or not a
    /// mapping where it must be one.
    func merge(into root: inout ConfigurationNode) throws(ConfigurationError) -> Contents {
        let value = try YAMLComposer.compose(bytes, origin: .file(origin), at: path ?? "")
        if let path, isFromSource, ConfigurationPath(path).keys.first == Self.sources {
            throw sourceFailure(at: value?.location, path)
        }
        if let path {
            root = try root.setting(value ?? .absent, at: ConfigurationPath(path))
            return .some
        }
        guard let value, !value.isNull else { return .blank }
        guard let mapping = value.mapping else {
            throw ConfigurationError(
                message: "the root must be a mapping of keys to values, found \(value.kind)",
                location: value.location
            )
        }
        if isFromSource, let entry = mapping[Self.sources] {
            throw sourceFailure(at: entry.keyLocation, Self.sources)
        }
        root = root.merged(with: value)
        return mapping.entries.isEmpty ? .noKeys : .some
    }
}
