public import FoundationEssentials

extension Configuration {
    /// Loads a configuration: files first, then the environment, then overrides.
    ///
    /// - Parameters:
    ///   - files: Paths of YAML files. If two files set the same key, the later wins. Each file must exist.
    ///   - environment: Environment variables. Default: those of the process. `KIT_REGISTRY__FILE__DIRECTORY` sets
    ///     `registry.file.directory`: a double underscore stands for the dot, a single one for the hyphen. A value that
    ///     starts with `[` or `{` is YAML, unless its type reads text; every other value is taken literally. A list of
    ///     scalars may be written `a,b`. These variables are ignored: `KIT_CONFIG` and `KIT_PROFILE`; the variables
    ///     that Kubernetes and Docker set for a service called `kit` or `kit-…`; a variable without a double underscore
    ///     that neither begins with a known section nor resembles a known key, since it belongs to another program.
    ///   - overrides: Texts `path=value`, as given to `--set`. Values are YAML. A list of scalars may be written `a,b`.
    /// - Returns: The merged layers.
    /// - Throws: ``ConfigurationError`` when a file cannot be read, or a value does not have the form described here.
    public static func load(
        files: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        overrides: [String] = []
    ) throws(ConfigurationError) -> Configuration {
        var root = ConfigurationNode.emptyMapping
        for file in files {
            let bytes = try ConfigurationFile.contents(of: file)
            root = try root.merged(with: ConfigurationLayers.document(bytes, origin: file))
        }
        root = try EnvironmentLayer.apply(environment, to: root)
        root = try OverrideLayer.apply(overrides, to: root)
        return Configuration(root: root)
    }
}

extension Configuration {
    /// Reads a single file, without the other layers, for tools that look for every mistake in it: with an error for
    /// each placeholder. Throws ``ConfigurationError`` when the file cannot be read at all.
    package static func reading(
        file: String
    ) throws(ConfigurationError) -> (configuration: Configuration, placeholders: [ConfigurationError]) {
        let bytes = try ConfigurationFile.contents(of: file)
        let root = try ConfigurationLayers.documentWithPlaceholders(bytes, origin: file)
        return (Configuration(root: root), root.placeholders)
    }
}

enum ConfigurationLayers {
    /// Reads a whole document without placeholders. Its root must be a mapping, unless the document is empty.
    static func document(_ bytes: [UInt8], origin: String) throws(ConfigurationError) -> ConfigurationNode {
        let root = try documentWithPlaceholders(bytes, origin: origin)
        if let error = root.placeholders.first { throw error }
        return root
    }

    /// Reads a whole document, with its placeholders.
    static func documentWithPlaceholders(
        _ bytes: [UInt8],
        origin: String
    ) throws(ConfigurationError) -> ConfigurationNode {
        guard let root = try YAMLComposer.compose(bytes, origin: YAMLComposer.Origin(name: origin)), !root.isNull else {
            return .emptyMapping
        }
        guard root.mapping != nil else {
            throw ConfigurationError(
                message: "the root must be a mapping of keys to values, found \(root.kind)",
                location: root.location
            )
        }
        return root
    }
}
