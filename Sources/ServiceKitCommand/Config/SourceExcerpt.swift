import ServiceKitConfig

/// The line of an error, with a mark below the place.
struct SourceExcerpt {
    /// The largest number of shown characters.
    static let maximumWidth = 120

    let lines: [String]

    /// - Returns: `nil` when there is no such line, or it may hold a secret.
    init?(of error: ConfigurationError, in text: String) {
        guard let number = error.location?.line, number > 0 else { return nil }
        let all = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard all.indices.contains(number - 1) else { return nil }
        let line = all[number - 1]
        guard !SecretKeys.mustHide(line: line, of: error.keyPath ?? "") else { return nil }
        let gutter = "\(number)"
        let shown = line.prefix(Self.maximumWidth).map { $0 == "\t" || $0 == "\r" ? " " : $0 }
        let column = min((error.location?.column ?? 1) - 1, shown.count)
        lines = [
            "  \(gutter) | \(String(shown))",
            "  \(String(repeating: " ", count: gutter.count)) | \(String(repeating: " ", count: max(0, column)))^",
        ]
    }
}
