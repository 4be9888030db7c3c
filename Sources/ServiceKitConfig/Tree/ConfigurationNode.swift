/// A value in the configuration tree, with its place.
struct ConfigurationNode: Sendable {
    enum Content: Sendable {
        case scalar(Scalar)
        case sequence([ConfigurationNode])
        case mapping(Mapping)
    }

    /// A value without parts. It keeps its text as written; the decoder decides on its type.
    struct Scalar: Sendable, Equatable {
        enum Form: Sendable {
            /// Written without quotes: a text, number, boolean or null, as the type wants.
            case plain
            /// Written in quotes or as a block, or tagged `!!str`: always text.
            case quoted
            /// The whole value of a variable or an option, without quotes, or a value with placeholders. Like `plain`, but
            /// never null, and a list if the type wants one.
            case literal
        }

        var text: String
        var form: Form
        /// Whether the text has placeholders. They are replaced when all layers are merged.
        var hasPlaceholder = false

        static let null = Scalar(text: "", form: .plain)

        var isNull: Bool { form == .plain && text.utf8.count <= 4 && Self.nullTexts.contains(text) }

        private static let nullTexts: Set<String> = ["", "~", "null", "Null", "NULL"]
    }

    var content: Content

    /// The place of the value; `nil` for defaults.
    var location: SourceLocation?

    /// Whether errors and tools must not show the value, whatever its key and its text look like.
    private(set) var isSecret = false

    /// The text of a literal value that begins with a bracket.
    var brackets: InlineValue.Brackets?

    init(_ content: Content, location: SourceLocation? = nil) {
        self.content = content
        self.location = location
    }

    /// The node in the place of a value that is not configured.
    static let absent = ConfigurationNode(.scalar(.null))

    static let emptyMapping = ConfigurationNode(.mapping(Mapping()))

    var isNull: Bool {
        if case .scalar(let scalar) = content { scalar.isNull } else { false }
    }

    var isAbsent: Bool { isNull && location == nil }

    /// Whether the value is null since nothing is written: `log:`, and not `log: null`.
    var isUnwritten: Bool {
        if case .scalar(let scalar) = content { scalar == .null } else { false }
    }

    var mapping: Mapping? {
        if case .mapping(let mapping) = content { mapping } else { nil }
    }

    /// The node with its values kept out of errors and of what tools show.
    var hidden: ConfigurationNode {
        var node = self
        node.isSecret = true
        node.mapParts(\.hidden)
        return node
    }

    /// The node with the values of some places hidden.
    func hiding(at places: Set<SourceLocation?>) -> ConfigurationNode {
        if places.contains(location) { return hidden }
        var node = self
        node.mapParts { $0.hiding(at: places) }
        return node
    }

    private mutating func mapParts(_ transform: (ConfigurationNode) -> ConfigurationNode) {
        switch content {
        case .scalar:
            break
        case .sequence(let elements):
            content = .sequence(elements.map(transform))
        case .mapping(let mapping):
            var result = Mapping()
            result.isEnumCase = mapping.isEnumCase
            for var entry in mapping.entries {
                entry.value = transform(entry.value)
                result.set(entry)
            }
            content = .mapping(result)
        }
    }

    /// Whether errors and tools must not show a text of this node, whose place in the configuration is `keyPath`.
    func mustHide(_ text: String, at keyPath: String) -> Bool {
        isSecret || SecretKeys.mustHide(text, at: keyPath)
    }

    /// The number of levels of mappings and sequences; 0 for a scalar.
    var height: Int {
        switch content {
        case .scalar: 0
        case .sequence(let elements): 1 + (elements.map(\.height).max() ?? 0)
        case .mapping(let mapping): 1 + (mapping.entries.map(\.value.height).max() ?? 0)
        }
    }

    /// The kind of the node, for an error message.
    var kind: String {
        switch content {
        case .scalar(let scalar): scalar.isNull ? "null" : "a scalar"
        case .sequence: "a sequence"
        case .mapping: "a mapping"
        }
    }
}
