public import FoundationEssentials

extension Configuration {
    /// Loads a configuration: files first, then the environment, then overrides.
    ///
    /// - Parameters:
    ///   - files: Paths of YAML files; of two that set the same key the later wins. Each must exist.
    ///   - environment: Environment variables. `KIT_REGISTRY__FILE__DIRECTORY` sets `registry.file.directory`: a double
    ///     underscore stands for the dot, a single one for the hyphen. A value that starts with `[` or `{` is YAML unless
    ///     text is asked for, any other is taken literally; a list of scalars may be written `a,b`. `KIT_CONFIG` and
    ///     `KIT_PROFILE` are left alone, and so are the variables that Kubernetes and Docker set for a service called `kit` or
    ///     `kit-…`. A variable without a double underscore that neither begins with a known section nor resembles a known
    ///     key is taken for somebody else's. Default: those of the process.
    ///   - overrides: `path=value` texts as given to `--set`, with values in YAML; a list of scalars may be written `a,b`.
    /// - Returns: The merged layers.
    /// - Throws: ``ConfigurationError`` when a file cannot be read, or something is not in the form described here.
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
    /// Reads a file by itself, without any other layer, for those who look for every mistake in it.
    ///
    /// - Parameter file: The file's path.
    /// - Returns: The configuration, and an error for each placeholder that is left in it.
    /// - Throws: ``ConfigurationError`` when the file cannot be read at all.
    package static func reading(
        file: String
    ) throws(ConfigurationError) -> (configuration: Configuration, placeholders: [ConfigurationError]) {
        let bytes = try ConfigurationFile.contents(of: file)
        let root = try ConfigurationLayers.documentWithPlaceholders(bytes, origin: file)
        return (Configuration(root: root), root.placeholders)
    }
}

enum ConfigurationLayers {
    /// Reads a whole document, whose root must be a mapping unless it is empty, and which has no placeholders.
    static func document(_ bytes: [UInt8], origin: String) throws(ConfigurationError) -> ConfigurationNode {
        let root = try documentWithPlaceholders(bytes, origin: origin)
        if let error = root.placeholders.first { throw error }
        return root
    }

    /// The same with the placeholders left in it.
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
