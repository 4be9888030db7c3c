enum YAMLLimits {
    /// The largest document, in bytes: 1 MiB.
    static let maximumDocumentBytes = 1 << 20

    /// The largest depth of nested mappings and sequences.
    static let maximumDepth = 64

    /// The largest number of keys and values in a document, with every alias replaced by its target.
    static let maximumNodes = 100_000

    /// The largest number of placeholders on the way from a value to what replaces it.
    static let maximumPlaceholderDepth = 16

    /// The largest size of all values with placeholders together, when they are replaced, in bytes: 1 MiB.
    static let maximumResolvedBytes = 1 << 20

    /// The largest file that stands for a value, in bytes: 64 KiB.
    static let maximumReadFileBytes = 1 << 16

    /// The largest number of `%TAG` directives. libyaml compares each with all before it, which takes long.
    static let maximumTagDirectives = 100
}
