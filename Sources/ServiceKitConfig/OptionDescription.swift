/// One option that a program reads, for documents and tools.
package struct OptionDescription: Hashable, Sendable {
    /// The option's path: `server.grpc.max-connections`.
    package var path: String
    /// The default as YAML writes it; `nil` when there is none.
    package var defaultValue: String?
    /// The values that are allowed, in words; `nil` when every value of the type is allowed.
    package var range: String?
    /// The meaning of the option, in one line; `nil` without one in its section.
    package var help: String?
}

extension Configuration {
    /// The options that were read so far, whether they are configured or not, in the order of their paths.
    package var options: [OptionDescription] {
        let paths = known.paths.filter { path in
            // Elements of a list are not options.
            !path.keys.contains { $0.hasPrefix("[") }
        }
        let parents = Set(paths.map { ConfigurationPath(keys: $0.keys.dropLast()) })
        return paths.subtracting(parents)
            .map(known.description)
            .sorted { $0.path < $1.path }
    }

    /// The keys at the root that the program has read, or below which it has read a value.
    package var sections: Set<String> { Set(known.program.claims.compactMap(\.keys.first)) }
}

extension ConfigurationNode {
    /// The value on one line, as a document shows it; `nil` for an empty one.
    var flowText: String? {
        switch content {
        case .scalar(let scalar):
            return scalar.isNull || scalar.text.isEmpty ? nil : scalar.text
        case .sequence(let elements):
            let texts = elements.map { $0.flowText ?? "" }
            return texts.isEmpty ? nil : "[\(texts.joined(separator: ", "))]"
        case .mapping(let mapping):
            let texts = mapping.entries.map { "\($0.key): \($0.value.flowText ?? "")" }
            return texts.isEmpty ? nil : "{\(texts.joined(separator: ", "))}"
        }
    }
}
