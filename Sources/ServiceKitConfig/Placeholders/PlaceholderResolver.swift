/// Replaces the placeholders of a merged tree: `${NAME}` and `${NAME:default}` by environment variables, `${a.b}` by other
/// values of the tree, `@file:/path` by the contents of a file.
///
/// Only values of files have placeholders; those of variables and options are literal. Each value is replaced at most once,
/// and what it is replaced by holds no further placeholders. The limits of ``YAMLLimits`` bound depth and size.
struct PlaceholderResolver {
    /// A value that is being replaced.
    private struct Place {
        var trail: KeyTrail
        var location: SourceLocation?
    }

    private let root: ConfigurationNode
    private let environment: [String: String]
    private let readFile: LayerStack.FileReader
    private var resolved: [ConfigurationPath: ConfigurationNode] = [:]
    /// The values on the way to the one that is being replaced, the outermost first.
    private var active: [Place] = []
    private var bytes = 0
    private var nodes = 0
    /// One for each value that could not be replaced, in the order of the tree.
    private(set) var failures: [ConfigurationError] = []
    /// The key paths of the values that could not be replaced. Several may have the same failure.
    private(set) var failedPaths: [String] = []
    private var failedPlaces: Set<SourceLocation?> = []

    init(_ root: ConfigurationNode, environment: [String: String], readFile: @escaping LayerStack.FileReader) {
        self.root = root
        self.environment = environment
        self.readFile = readFile
    }

    /// The tree with its placeholders replaced, without the values that ``failures`` has errors for.
    mutating func resolve() -> ConfigurationNode {
        guard root.hasPlaceholders else { return root }
        // Never throws while it collects.
        return ((try? walk(root, at: KeyTrail(), isCollecting: true)) ?? nil) ?? .emptyMapping
    }

    // MARK: - Trees

    /// The node with all placeholders in it replaced; `nil` for a value with a failure that was collected.
    private mutating func walk(
        _ node: ConfigurationNode,
        at trail: KeyTrail,
        isCollecting: Bool = false
    ) throws(ConfigurationError) -> ConfigurationNode? {
        var result = node
        switch node.content {
        case .scalar:
            do {
                return try replaced(node, at: trail)
            } catch {
                guard isCollecting else { throw error }
                failedPaths.append(trail.text)
                if failedPlaces.insert(error.location).inserted { failures.append(error) }
                return nil
            }
        case .sequence(let elements):
            var isWhole = true
            var replaced: [ConfigurationNode] = []
            for (index, element) in elements.enumerated() {
                let value = try walk(element, at: trail.appending(index: index), isCollecting: isCollecting)
                if let value { replaced.append(value) } else { isWhole = false }
            }
            guard isWhole else { return nil }
            result.content = .sequence(replaced)
        case .mapping(let mapping):
            var replaced = Mapping()
            replaced.isEnumCase = mapping.isEnumCase
            for var entry in mapping.entries {
                guard
                    let value = try walk(entry.value, at: trail.appending(entry.key), isCollecting: isCollecting)
                else { continue }
                entry.value = value
                replaced.set(entry)
            }
            result.content = .mapping(replaced)
        }
        return result
    }

    /// The value at a path, without placeholders; `nil` when there is none, or it is null.
    private mutating func value(at path: ConfigurationPath) throws(ConfigurationError) -> ConfigurationNode? {
        var node = root
        var trail = KeyTrail()
        for key in path.keys {
            // A placeholder may stand for the mapping around the key.
            node = try replaced(node, at: trail)
            guard let child = node.mapping?[key]?.value else { return nil }
            node = child
            trail = trail.appending(key)
        }
        guard let value = try walk(node, at: trail), !value.isNull else { return nil }
        return value
    }

    // MARK: - Values

    private mutating func replaced(
        _ node: ConfigurationNode, at trail: KeyTrail
    ) throws(ConfigurationError) -> ConfigurationNode {
        guard case .scalar(let scalar) = node.content, scalar.hasPlaceholder else { return node }
        if let known = resolved[trail.path] { return known }
        if let first = active.firstIndex(where: { $0.trail.path == trail.path }) {
            let names = active[first...].map(\.trail.text) + [trail.text]
            throw failure("the placeholder leads back to itself: \(names.joined(separator: " → "))", at: active[first])
        }
        active.append(Place(trail: trail, location: node.location))
        defer { active.removeLast() }
        var result: ConfigurationNode
        if scalar.text.hasPrefix(Placeholder.filePrefix) {
            result = try contents(ofFileIn: scalar)
        } else {
            result = try evaluate(Placeholder.withoutFileEscape(scalar.text), form: scalar.form)
        }
        result.location = node.location
        guard trail.path.keys.count + result.height <= YAMLLimits.maximumDepth else {
            throw failure("nested deeper than \(YAMLLimits.maximumDepth) levels")
        }
        resolved[trail.path] = result
        return result
    }

    /// The value of a text with placeholders. A text that is a single placeholder may stand for a mapping or a list.
    private mutating func evaluate(
        _ text: String,
        form: ConfigurationNode.Scalar.Form,
        depth: Int = 1
    ) throws(ConfigurationError) -> ConfigurationNode {
        guard active.count + depth <= YAMLLimits.maximumPlaceholderDepth + 1 else {
            throw failure("placeholders lead to placeholders more than \(YAMLLimits.maximumPlaceholderDepth) times")
        }
        let parts: [Placeholder.Part]
        do { parts = try Placeholder.parts(of: text) } catch { throw failure(error.message) }
        if parts.count == 1, case .reference(let reference) = parts[0] {
            return try target(of: reference, form: form, depth: depth)
        }
        var whole = ""
        var (hasReference, isSecret) = (false, false)
        for part in parts {
            var piece: String
            switch part {
            case .text(let text):
                piece = text
            case .reference(let reference):
                hasReference = true
                let value = try target(of: reference, form: form, depth: depth)
                guard let text = value.text else {
                    throw failure("${\(reference.name)} is \(value.kind), which cannot be part of a text")
                }
                piece = text
                isSecret = isSecret || value.isSecret
            }
            try count(piece)
            whole += piece
        }
        let node = hasReference ? value(of: whole) : ConfigurationNode(.scalar(.init(text: whole, form: form)))
        return isSecret ? node.hidden : node
    }

    /// The node for a text in the place of a placeholder. It is read in the same way, wherever the text comes from.
    private func value(of text: String) -> ConfigurationNode {
        InlineValue.node(text, location: active.last?.location, at: active.last?.trail.text ?? "")
    }

    /// A node in the place of a placeholder: a text is read like that of a variable; null and nodes with parts stay.
    private mutating func substitute(_ node: ConfigurationNode) throws(ConfigurationError) -> ConfigurationNode {
        var result = node
        if case .scalar(let scalar) = node.content, scalar.form != .literal, !scalar.isNull {
            result = value(of: scalar.text)
            if node.isSecret { result = result.hidden }
        }
        nodes += result.count
        guard nodes <= YAMLLimits.maximumNodes else {
            throw failure("placeholders stand for more than \(YAMLLimits.maximumNodes) values in all")
        }
        return result
    }

    private mutating func target(
        of reference: Placeholder.Reference,
        form: ConfigurationNode.Scalar.Form,
        depth: Int
    ) throws(ConfigurationError) -> ConfigurationNode {
        let found: ConfigurationNode?
        switch reference.target {
        case .variable(let name):
            found = environment[name].map(value(of:))
        case .path(let path):
            found = try value(at: path)
        }
        if let found {
            let value = try substitute(found)
            return SecretKeys.isSecret(reference.name) ? value.hidden : value
        }
        guard let defaultText = reference.defaultText else { throw missing(reference) }
        // An empty default is the empty text, not null.
        let form = defaultText.isEmpty ? .literal : form
        return try substitute(evaluate(defaultText, form: form, depth: depth + 1))
    }

    private mutating func contents(
        ofFileIn scalar: ConfigurationNode.Scalar
    ) throws(ConfigurationError) -> ConfigurationNode {
        let prefix = Placeholder.filePrefix
        let path = try evaluate(String(scalar.text.dropFirst(prefix.count)), form: .quoted).text ?? ""
        guard !path.isEmpty else { throw failure("names no file; write \(prefix)/path") }
        let contents: [UInt8]
        do {
            contents = try readFile(path)
        } catch {
            throw failure("cannot read the file \(path): \(error.message)", isLocal: error.isLocal)
        }
        guard contents.count <= YAMLLimits.maximumReadFileBytes else {
            throw failure("the file \(path) is larger than \(YAMLLimits.maximumReadFileBytes) bytes")
        }
        guard var text = String(validating: contents, as: UTF8.self) else {
            throw failure("the file \(path) is not in UTF-8")
        }
        if text.last?.isNewline == true { text.removeLast() }
        try count(text)
        return value(of: text).hidden
    }

    private mutating func count(_ text: String) throws(ConfigurationError) {
        bytes += text.utf8.count
        guard bytes <= YAMLLimits.maximumResolvedBytes else {
            throw failure("values with placeholders are longer than \(YAMLLimits.maximumResolvedBytes) bytes in all")
        }
    }

    // MARK: - Failures

    private func missing(_ reference: Placeholder.Reference) -> ConfigurationError {
        let cause =
            switch reference.target {
            case .variable(let name): "the environment variable \(name) is not set; set it"
            case .path(let path): "no layer has a value at \(path); add one"
            }
        return failure("\(cause), or give a default: ${\(reference.name):default}", isLocal: true)
    }

    private func failure(
        _ message: String,
        at place: Place? = nil,
        isLocal: Bool = false
    ) -> ConfigurationError {
        let place = place ?? active.last
        var error = ConfigurationError(message: message, location: place?.location, keyPath: place?.trail.text)
        error.isLocal = isLocal
        return error
    }
}

extension ConfigurationNode {
    fileprivate var hasPlaceholders: Bool {
        switch content {
        case .scalar(let scalar): scalar.hasPlaceholder
        case .sequence(let elements): elements.contains(where: \.hasPlaceholders)
        case .mapping(let mapping): mapping.entries.contains(where: \.value.hasPlaceholders)
        }
    }

    /// The text of a scalar, as a part of a larger text; `nil` for other nodes.
    fileprivate var text: String? {
        if let brackets { return brackets.text }
        if case .scalar(let scalar) = content { return scalar.text }
        return nil
    }

    /// The number of values in the node.
    fileprivate var count: Int {
        switch content {
        case .scalar: 1
        case .sequence(let elements): elements.reduce(1) { $0 + $1.count }
        case .mapping(let mapping): mapping.entries.reduce(1) { $0 + $1.value.count }
        }
    }
}
