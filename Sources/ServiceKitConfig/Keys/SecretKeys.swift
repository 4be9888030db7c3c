/// Decides which values an error message may show.
package enum SecretKeys {
    private static let words: Set<Substring> = ["auth", "authorization", "cookie", "dsn", "pwd", "signature"]
    private static let stems = ["credential", "passphrase", "passwd", "password", "secret", "token"]
    private static let endings = ["key", "keys"]

    /// Whether messages must not show the value at `keyPath`. This is so when a word of the path looks secret
    /// (`db-password`, `auth.token`, `privateKey`), when the value is an address with user information
    /// (`user:secret@host`, with or without a scheme), or when it has a secret parameter. In doubt, the value is
    /// hidden.
    static func mustHide(_ value: String, at keyPath: String) -> Bool {
        isSecret(keyPath) || URLSecrets.areIn(value)
    }

    /// Whether a word of a name or path looks secret.
    static func isSecret(_ keyPath: String) -> Bool {
        KeyNaming.kebabCase(keyPath)
            .split { !$0.isLetter }
            .contains { word in
                words.contains(word) || stems.contains { word.contains($0) } || endings.contains { word.hasSuffix($0) }
            }
    }
}
