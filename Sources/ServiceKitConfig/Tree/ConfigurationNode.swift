/// A value in the configuration tree, and where it is written.
struct ConfigurationNode: Sendable {
    enum Content: Sendable {
        case scalar(Scalar)
        case sequence([ConfigurationNode])
        case mapping(Mapping)
    }

    /// A value without parts. What type it has is for the decoder to say; it keeps its text as written.
    struct Scalar: Sendable, Equatable {
        enum Form: Sendable {
            /// Written without quotes: text, number, boolean or null, as asked for.
            case plain
            /// Written in quotes or as a block, or tagged `!!str`: always text.
            case quoted
            /// The whole of a variable or an option, without quotes: as plain, but never null, and a list where one
            /// is asked for.
            case literal
        }

        var text: String
        var form: Form
        /// Whether `${` stands in it, which a later version gives a meaning.
        var hasPlaceholder = false

        static let null = Scalar(text: "", form: .plain)

        var isNull: Bool { form == .plain && Self.nullTexts.contains(text) }

        private static let nullTexts: Set<String> = ["", "~", "null", "Null", "NULL"]
    }

    var content: Content

    /// Where the value is written; `nil` for defaults.
    var location: SourceLocation?

    /// How a variable or an option writes it, when that begins with a bracket.
    var brackets: InlineValue.Brackets?

    init(_ content: Content, location: SourceLocation? = nil) {
        self.content = content
        self.location = location
    }

    /// What stands where nothing is configured.
    static let absent = ConfigurationNode(.scalar(.null))

    static let emptyMapping = ConfigurationNode(.mapping(Mapping()))

    var isNull: Bool {
        if case .scalar(let scalar) = content { scalar.isNull } else { false }
    }

    var isAbsent: Bool { isNull && location == nil }

    var mapping: Mapping? {
        if case .mapping(let mapping) = content { mapping } else { nil }
    }

    /// How many levels of mappings and sequences the node has: 0 for a scalar.
    var height: Int {
        switch content {
        case .scalar: 0
        case .sequence(let elements): 1 + (elements.map(\.height).max() ?? 0)
        case .mapping(let mapping): 1 + (mapping.entries.map(\.value.height).max() ?? 0)
        }
    }

    /// What the node is, for an error message.
    var kind: String {
        switch content {
        case .scalar(let scalar): scalar.isNull ? "null" : "a scalar"
        case .sequence: "a sequence"
        case .mapping: "a mapping"
        }
    }
}
