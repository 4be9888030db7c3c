extension Mapping {
    /// Adds the keys of a merge key's value that the mapping does not have itself. Source: "Merge Key
    /// Language-Independent Type for YAML Version 1.1", <https://yaml.org/type/merge.html>.
    mutating func includeMissing(from merge: ConfigurationNode, keyPath: String) throws(ConfigurationError) {
        let sources: [ConfigurationNode]
        if case .sequence(let elements) = merge.content { sources = elements } else { sources = [merge] }
        for source in sources {
            guard let mapping = source.mapping else {
                throw ConfigurationError(
                    message: "the value of << must be a mapping or a sequence of mappings, found \(source.kind)",
                    location: source.location,
                    keyPath: keyPath
                )
            }
            for entry in mapping.entries where self[entry.key] == nil { set(entry) }
        }
    }
}
