/// Builds a tree of nodes from a YAML document, within ``YAMLLimits``.
struct YAMLComposer: ~Copyable {
    /// The origin of the document.
    enum Origin {
        /// A file: its values have lines and columns, and may have placeholders.
        case file(String)
        /// A single value that stands at a place: in a variable, in an option, in the place of a placeholder.
        case value(SourceLocation)

        var location: SourceLocation {
            switch self {
            case .file(let name): SourceLocation(origin: name)
            case .value(let location): location
            }
        }

        var isFile: Bool { if case .file = self { true } else { false } }
    }

    private let reader: YAMLEventReader
    private let origin: Origin
    /// The nodes that an alias may name, each with the number of nodes in it.
    private var anchors: [String: (node: ConfigurationNode, count: Int)] = [:]
    /// The places of values that an alias makes secrets too.
    private var secretPlaces: Set<SourceLocation?> = []
    private var count = 0
    /// The key path of the root, and the keys from there to the value that is read, for messages.
    private let rootPath: String
    private var keys: [KeyTrail.Key] = []

    /// Reads a document in UTF-8; `nil` when it is empty. The key path, for messages, is that of its root in the
    /// configuration. Throws ``ConfigurationError`` when the document is not well-formed or exceeds a limit.
    static func compose(
        _ bytes: [UInt8],
        origin: Origin,
        at keyPath: String = ""
    ) throws(ConfigurationError) -> ConfigurationNode? {
        let mark = TextEncoding.utf8Mark
        let bytes = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
        func refusal(_ message: String, at location: SourceLocation? = nil) -> ConfigurationError {
            ConfigurationError(message: message, location: location ?? origin.location)
        }
        if let encoding = TextEncoding(of: bytes) {
            let first = SourceLocation(origin: origin.location.origin, line: 1, column: 1)
            throw refusal("saved as \(encoding.rawValue); save it as UTF-8", at: origin.isFile ? first : nil)
        }
        guard bytes.count <= YAMLLimits.maximumDocumentBytes else {
            throw refusal("larger than \(YAMLLimits.maximumDocumentBytes) bytes; split it into several files")
        }
        guard tagDirectiveCount(bytes) <= YAMLLimits.maximumTagDirectives else {
            throw refusal("more than \(YAMLLimits.maximumTagDirectives) times %TAG; remove these lines")
        }
        guard let reader = YAMLEventReader(bytes) else { throw refusal("out of memory while reading YAML") }
        var composer = YAMLComposer(reader: reader, origin: origin, keyPath: keyPath)
        return try composer.document()
    }

    private static func tagDirectiveCount(_ bytes: [UInt8]) -> Int {
        bytes.lazy.split(separator: UInt8(ascii: "%")).count { $0.starts(with: "TAG".utf8) }
    }

    private init(reader: consuming YAMLEventReader, origin: Origin, keyPath: String) {
        self.reader = reader
        self.origin = origin
        rootPath = keyPath
    }

    // All loops below end: each turn reads an event, all events but a handful are nodes, and `count` limits nodes.

    private mutating func document() throws(ConfigurationError) -> ConfigurationNode? {
        _ = try next()
        guard case .documentStart = try next().kind else { return nil }
        let root = try compose(next(), depth: 1)
        _ = try next()
        let end = try next()
        if case .documentStart = end.kind {
            throw failure("more than one YAML document; keep one, and give each other one a file of its own", end.mark)
        }
        return secretPlaces.isEmpty ? root : root.hiding(at: secretPlaces)
    }

    private mutating func compose(
        _ event: YAMLEvent,
        depth: Int,
        isKey: Bool = false
    ) throws(ConfigurationError) -> ConfigurationNode {
        let countBefore = count
        let content: ConfigurationNode.Content
        let anchor: String?
        switch event.kind {
        case .alias(let name):
            return try resolveAlias(name, event.mark, depth: depth)
        case .scalar(let scalar):
            try countNode(event.mark)
            content = .scalar(try composeScalar(scalar, event.mark, isKey: isKey))
            anchor = scalar.properties.anchor
        case .sequenceStart(let properties):
            try enter(event.mark, depth: depth)
            guard YAMLTag.isOf("seq", properties.tag) else { throw tagFailure(event.mark) }
            content = .sequence(try composeElements(depth: depth))
            anchor = properties.anchor
        case .mappingStart(let properties):
            try enter(event.mark, depth: depth)
            guard YAMLTag.isOf("map", properties.tag) else { throw tagFailure(event.mark) }
            content = .mapping(try composeEntries(depth: depth))
            anchor = properties.anchor
        case .documentStart, .collectionEnd, .other:
            throw failure("expected a value", event.mark)
        }
        let node = ConfigurationNode(content, location: location(event.mark))
        if let anchor {
            // A secret stays one wherever an alias puts it.
            anchors[anchor] = (SecretKeys.isSecret(keyPath) ? node.hidden : node, count - countBefore)
        }
        return node
    }

    private func composeScalar(
        _ event: YAMLEvent.ScalarEvent,
        _ mark: YAMLEvent.Mark,
        isKey: Bool
    ) throws(ConfigurationError) -> ConfigurationNode.Scalar {
        var scalar = try YAMLTag.content(of: event, failure: tagFailure(mark))
        // The value of a variable or an option has no placeholders.
        scalar.hasPlaceholder = origin.isFile && !isKey && Placeholder.isIn(scalar.text)
        return scalar
    }

    private mutating func composeElements(depth: Int) throws(ConfigurationError) -> [ConfigurationNode] {
        var elements: [ConfigurationNode] = []
        while true {
            let event = try next()
            if case .collectionEnd = event.kind { return elements }
            keys.append(.index(elements.count))
            elements.append(try compose(event, depth: depth + 1))
            keys.removeLast()
        }
    }

    private mutating func composeEntries(depth: Int) throws(ConfigurationError) -> Mapping {
        var mapping = Mapping()
        var merge: ConfigurationNode?
        while true {
            let keyEvent = try next()
            if case .collectionEnd = keyEvent.kind { break }
            let key = try composeKey(keyEvent, depth: depth + 1)
            keys.append(.name(key.text))
            let isMerge = key.text == "<<" && key.form == .plain
            if isMerge ? merge != nil : mapping[key.text] != nil {
                throw duplicateKey(isMerge ? nil : mapping[key.text]?.keyLocation, keyEvent.mark)
            }
            let value = try compose(next(), depth: depth + 1)
            keys.removeLast()
            if isMerge {
                merge = value
            } else {
                mapping.set(Mapping.Entry(key: key.text, keyLocation: location(keyEvent.mark), value: value))
            }
        }
        if let merge { try mapping.includeMissing(from: merge, keyPath: keyPath) }
        return mapping
    }

    private mutating func composeKey(
        _ event: YAMLEvent,
        depth: Int
    ) throws(ConfigurationError) -> ConfigurationNode.Scalar {
        switch event.kind {
        case .scalar, .alias:
            guard case .scalar(let key) = try compose(event, depth: depth, isKey: true).content else { break }
            guard key != .null else { throw failure("a key is empty; write a name before the colon", event.mark) }
            return key
        default:
            break
        }
        throw failure("a key must be a scalar, not a sequence or a mapping", event.mark)
    }

    // MARK: - Anchors and limits

    private mutating func resolveAlias(
        _ name: String,
        _ mark: YAMLEvent.Mark,
        depth: Int
    ) throws(ConfigurationError) -> ConfigurationNode {
        guard let target = anchors[name] else {
            // The name is not shown: it may be a secret without quotes.
            throw failure("the alias has no anchor before it; if it is meant as text, put it in quotes", mark)
        }
        if SecretKeys.isSecret(keyPath) { secretPlaces.insert(target.node.location) }
        try countNode(mark, target.count)
        // Counted first: the limit of nodes bounds the work of all heights together.
        let height = target.node.height
        if height > 0 { try checkDepth(depth + height - 1, mark) }
        return target.node
    }

    private mutating func enter(_ mark: YAMLEvent.Mark, depth: Int) throws(ConfigurationError) {
        try countNode(mark)
        try checkDepth(depth, mark)
    }

    private mutating func countNode(_ mark: YAMLEvent.Mark, _ nodes: Int = 1) throws(ConfigurationError) {
        count += nodes
        guard count <= YAMLLimits.maximumNodes else {
            throw failure("more than \(YAMLLimits.maximumNodes) keys and values, with aliases expanded", mark)
        }
    }

    private func checkDepth(_ depth: Int, _ mark: YAMLEvent.Mark) throws(ConfigurationError) {
        guard depth <= YAMLLimits.maximumDepth else {
            throw failure("nested deeper than \(YAMLLimits.maximumDepth) levels", mark)
        }
    }

    // MARK: - Events, locations and errors

    private func next() throws(ConfigurationError) -> YAMLEvent {
        do {
            return try reader.next()
        } catch {
            throw syntaxFailure(error)
        }
    }

    private var keyPath: String { keys.reduce(rootPath) { $1.joined(to: $0) } }

    private func location(_ mark: YAMLEvent.Mark) -> SourceLocation {
        guard case .file(let name) = origin else { return origin.location }
        return SourceLocation(origin: name, line: mark.line, column: mark.column)
    }

    private func failure(_ message: String, _ mark: YAMLEvent.Mark) -> ConfigurationError {
        ConfigurationError(message: message, location: location(mark), keyPath: keyPath)
    }

    private func syntaxFailure(_ error: YAMLSyntaxError) -> ConfigurationError {
        var message = "YAML syntax: \(error.problem)"
        if let context = error.context {
            message += ", \(context.text)"
            if origin.isFile, context.line != error.mark.line { message += " that starts on line \(context.line)" }
        }
        if let advice = error.advice { message += "; \(advice)" }
        return failure(message, error.mark)
    }

    private func tagFailure(_ mark: YAMLEvent.Mark) -> ConfigurationError {
        // The tag is not shown: it may be a secret without quotes.
        failure("the tag is unknown or does not fit the value; if it is meant as text, quote it", mark)
    }

    private func duplicateKey(_ first: SourceLocation?, _ mark: YAMLEvent.Mark) -> ConfigurationError {
        guard let first else { return failure("only one merge key; write <<: [*one, *other]", mark) }
        let place = first.line.map { " on line \($0)" } ?? ""
        return failure("duplicate key; it is first set\(place)", mark)
    }
}
