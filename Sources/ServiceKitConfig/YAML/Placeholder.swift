/// `${…}` in the values of files. A later version will replace it; until then it is refused. `$${` is the way to write
/// the text `${`.
package enum Placeholder {
    private static let start = "${"
    private static let escapedStart = "$${"

    /// The text with `$${` read as `${`; `nil` when it contains a placeholder.
    static func literal(_ text: String) -> String? {
        guard text.contains(start) else { return text }
        let parts = text.split(separator: escapedStart, omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.contains(start) }) else { return nil }
        return parts.joined(separator: start)
    }

    /// The text in a file's notation.
    package static func escaped(_ text: String) -> String {
        text.replacing(start, with: escapedStart)
    }

    static func failure(at trail: KeyTrail, _ location: SourceLocation?) -> ConfigurationError {
        // A variable sets all elements of a list, never one alone.
        let keys = trail.path.keys.prefix { !$0.hasPrefix("[") }
        let variable = EnvironmentLayer.name(of: ConfigurationPath(keys: Array(keys))) ?? "the environment"
        return ConfigurationError(
            message:
                "placeholders such as ${NAME} are not supported yet; write the value, or leave the key out and set it "
                + "by \(variable); for the text ${ itself write $${",
            location: location,
            keyPath: trail.text
        )
    }
}

extension ConfigurationNode {
    /// The errors for all placeholders, in the order of the document. A value that aliases repeat counts once.
    var placeholders: [ConfigurationError] {
        var errors: [ConfigurationError] = []
        var places: Set<SourceLocation?> = []
        collectPlaceholders(at: KeyTrail()) { error in
            if places.insert(error.location).inserted { errors.append(error) }
        }
        return errors
    }

    private func collectPlaceholders(at trail: KeyTrail, _ report: (ConfigurationError) -> Void) {
        switch content {
        case .scalar(let scalar):
            if scalar.hasPlaceholder { report(Placeholder.failure(at: trail, location)) }
        case .sequence(let elements):
            for (index, element) in elements.enumerated() {
                element.collectPlaceholders(at: trail.appending(index: index), report)
            }
        case .mapping(let mapping):
            for entry in mapping.entries { entry.value.collectPlaceholders(at: trail.appending(entry.key), report) }
        }
    }
}
