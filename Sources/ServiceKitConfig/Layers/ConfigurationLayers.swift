#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension Configuration {
    /// Loads a configuration: files first, then the environment, then overrides.
    ///
    /// - Parameters:
    ///   - files: Paths of YAML files; of two that set the same key the later wins. Each must exist.
    ///   - environment: Environment variables. `KIT_REGISTRY__FILE__DIRECTORY` sets `registry.file.directory`: a double
    ///     underscore stands for the dot, a single one for the hyphen. A value that starts with `[` or `{` is YAML, any
    ///     other is taken literally. `KIT_CONFIG` and `KIT_PROFILE` are left alone, and a variable without a double underscore that
    ///     sets no known key is taken for somebody else's. Default: those of the process.
    ///   - overrides: `path=value` texts as given to `--set`, with values in YAML.
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

enum ConfigurationLayers {
    /// Reads a whole document, whose root must be a mapping unless it is empty.
    static func document(_ bytes: [UInt8], origin: String) throws(ConfigurationError) -> ConfigurationNode {
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
