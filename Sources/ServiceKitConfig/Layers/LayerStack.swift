public import FoundationEssentials

/// The layers of a configuration, before they are merged. Later layers win: documents in their order, environment
/// variables, overrides.
package struct LayerStack: Sendable {
    /// Reads a file that a value names.
    package typealias FileReader = @Sendable (_ path: String) throws(ConfigurationError) -> [UInt8]

    package var documents: [ConfigurationDocument]
    package var environment: [String: String]
    package var overrides: [String]

    package init(
        documents: [ConfigurationDocument] = [],
        environment: [String: String] = [:],
        overrides: [String] = []
    ) {
        self.documents = documents
        self.environment = environment
        self.overrides = overrides
    }

    /// Merges the layers from scratch, and replaces the placeholders.
    ///
    /// The keys that the program asked an earlier configuration for count as asked for. Throws ``ConfigurationError``
    /// for the first mistake. A document that had keys in the earlier configuration, and is blank now, is a mistake: it was
    /// truncated, more likely than not.
    package func merged(
        after earlier: Configuration? = nil,
        reading: @escaping FileReader = ConfigurationFile.contents
    ) throws(ConfigurationError) -> Configuration {
        let (tree, filled) = try tree(after: earlier)
        var resolver = PlaceholderResolver(tree, environment: environment, readFile: reading)
        let root = resolver.resolve()
        if let failure = resolver.failures.first { throw failure }
        return Configuration(root: root, known: KnownKeys(after: earlier?.known), filledOrigins: filled)
    }

    /// The merged layers, with their placeholders, and the origins of the documents that have keys.
    private func tree(
        after earlier: Configuration? = nil
    ) throws(ConfigurationError) -> (root: ConfigurationNode, filledOrigins: Set<String>) {
        var root = ConfigurationNode.emptyMapping
        var filled: Set<String> = []
        for document in documents {
            switch try document.merge(into: &root) {
            case .some: filled.insert(document.origin)
            case .noKeys: break
            case .blank: if earlier?.filledOrigins.contains(document.origin) == true { throw document.emptied }
            }
        }
        root = try EnvironmentLayer.apply(environment, to: root)
        return (try OverrideLayer.apply(overrides, to: root), filled)
    }

    /// Merges the layers, and leaves placeholders as they are written: for a comparison. Throws ``ConfigurationError`` when a
    /// layer cannot be read.
    package func written() throws(ConfigurationError) -> Configuration {
        Configuration(root: try tree().root)
    }

    /// Merges the layers for a check away from the service: a value whose placeholder only the service can replace is left
    /// out. The variables are those of placeholders. Returns the mistakes in placeholders, and why values were left out.
    /// Throws ``ConfigurationError`` when a layer cannot be read at all.
    package func mergedForCheck(
        variables: [String: String]
    ) throws(ConfigurationError) -> (
        configuration: Configuration, mistakes: [ConfigurationError], unchecked: [ConfigurationError]
    ) {
        var resolver = PlaceholderResolver(
            try tree().root, environment: variables, readFile: ConfigurationFile.contents)
        let root = resolver.resolve()
        let (mistakes, unchecked) = (resolver.failures.filter { !$0.isLocal }, resolver.failures.filter(\.isLocal))
        let configuration = Configuration(root: root)
        for path in resolver.failedPaths { configuration.known.leaveOut(path) }
        return (configuration, mistakes, unchecked)
    }
}

extension Configuration {
    /// Loads a configuration: files first, then the environment, then overrides.
    ///
    /// - Parameters:
    ///   - files: Paths of YAML files, or of directories, of which all files `*.yaml` are read in the order of their names.
    ///     If two files set the same key, the later wins. Each path must exist.
    ///   - environment: Environment variables. Default: those of the process. `KIT_REGISTRY__FILE__DIRECTORY` sets
    ///     `registry.file.directory`: a double underscore stands for the dot, a single one for the hyphen. A value that
    ///     starts with `[` or `{` is YAML, unless its type reads text; every other value is taken literally. A list of
    ///     scalars may be written `a,b`. These variables are ignored: `KIT_CONFIG` and `KIT_PROFILE`; the variables
    ///     that Kubernetes and Docker set for a service called `kit` or `kit-…`; a variable without a double underscore
    ///     that neither begins with a known section nor resembles a known key, since it belongs to another program.
    ///   - overrides: Texts `path=value`, as given to `--set`. Values are YAML. A list of scalars may be written `a,b`.
    /// - Returns: The merged layers, with the placeholders of the files replaced.
    /// - Throws: ``ConfigurationError`` when a file cannot be read, or a value does not have the form described here.
    public static func load(
        files: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        overrides: [String] = []
    ) throws(ConfigurationError) -> Configuration {
        let documents = try ConfigurationFile.documents(at: files)
        return try LayerStack(documents: documents, environment: environment, overrides: overrides).merged()
    }
}
