/// The layer of the command line: `--set server.grpc.listen=127.0.0.1:9000`.
enum OverrideLayer {
    /// The origin of a value that `--set` has set at `path`.
    static func origin(of path: String) -> String { "--set \(path)" }

    /// Merges the overrides into `root`, in their order. Each is `path=value`, with a value in YAML. A key of the path that
    /// has dots is in quotes: `clients."user.v1".balancer=random`.
    static func apply(
        _ overrides: [String],
        to root: ConfigurationNode
    ) throws(ConfigurationError) -> ConfigurationNode {
        var root = root
        for override in overrides {
            // Errors show only the text before "=": the rest may be secret.
            let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let text = String(parts[0])
            let keys = keys(of: text)
            // "password:aGVsbG8=" has no path: a key has none of these characters.
            let isPath =
                parts.count == 2 && !text.isEmpty && !text.contains { $0.isWhitespace || ":{}[],'".contains($0) }
            guard isPath, keys.allSatisfy({ !$0.isEmpty }) else {
                throw ConfigurationError(
                    message: "expected path=value, as in --set server.grpc.listen=127.0.0.1:9000",
                    location: SourceLocation(origin: isPath ? origin(of: text) : "--set")
                )
            }
            root = try root.setting(value(String(parts[1]), at: text), at: ConfigurationPath(keys: keys))
        }
        return root
    }

    private static func keys(of path: String) -> [String] {
        var keys = [""]
        // Every other part is in quotes.
        for (number, part) in path.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            var names = number.isMultiple(of: 2) ? part.split(separator: ".", omittingEmptySubsequences: false) : [part]
            keys[keys.count - 1] += names.removeFirst()
            keys += names.map(String.init)
        }
        return keys
    }

    private static func value(_ text: String, at path: String) throws(ConfigurationError) -> ConfigurationNode {
        let location = SourceLocation(origin: origin(of: path))
        if InlineValue.hasBrackets(text) { return InlineValue.node(text, location: location, at: path) }
        var node =
            try YAMLComposer.compose(Array(text.utf8), origin: .value(location), at: path)
            ?? ConfigurationNode(.scalar(.null), location: location)
        // A value without quotes is literal, like a variable's value.
        if case .scalar(var scalar) = node.content, scalar.form == .plain, !scalar.isNull {
            scalar.form = .literal
            node.content = .scalar(scalar)
        }
        return node
    }
}
