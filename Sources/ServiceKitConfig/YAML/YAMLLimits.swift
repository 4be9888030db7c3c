/// The limits of a YAML document.
enum YAMLLimits {
    /// The largest document, in bytes: 1 MiB.
    static let maximumDocumentBytes = 1 << 20

    /// The most levels of mappings and sequences inside each other.
    static let maximumDepth = 64

    /// The most keys and values in a document after each alias has been replaced by what it stands for.
    static let maximumNodes = 100_000

    /// How often `%TAG` may occur. libyaml compares each such directive with all before it, which takes long.
    static let maximumTagDirectives = 100
}
