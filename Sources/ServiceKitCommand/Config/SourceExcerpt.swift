import ServiceKitConfig

/// The line of an error, with a mark below the place. It shows the line's key and never a value, which may be a secret under
/// a misspelt key.
struct SourceExcerpt {
    /// The largest number of shown characters.
    private static let maximumWidth = 120

    let lines: [String]

    /// - Returns: `nil` when there is no such line, it does not begin with a key, or even its key may be part of a secret.
    init?(of error: ConfigurationError, in text: String) {
        guard let number = error.location?.line, number > 0 else { return nil }
        let all = text.split(omittingEmptySubsequences: false) { ["\n", "\r\n", "\r"].contains($0) }
        guard all.indices.contains(number - 1), !SecretKeys.isSecret(error.keyPath ?? ""),
            let match = all[number - 1].prefixMatch(of: /([\t\ ]*(?:-\ +)*[A-Za-z0-9_.\/-]+:)(?:\ *$|\ +)/)
        else { return nil }
        let isWhole = match.0.endIndex == all[number - 1].endIndex
        let shown = match.1.prefix(Self.maximumWidth).replacing("\t", with: " ") + (isWhole ? "" : " …")
        let column = min((error.location?.column ?? 1) - 1, shown.count - 1)
        let gutter = "\(number)"
        lines = [
            "  \(gutter) | \(shown)",
            "  \(String(repeating: " ", count: gutter.count)) | \(String(repeating: " ", count: max(0, column)))^",
        ]
    }
}
