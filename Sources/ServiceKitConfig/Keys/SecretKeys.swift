/// Decides which values an error message may show.
package enum SecretKeys {
    private static let words: Set<Substring> = ["auth", "authorization", "cookie", "dsn", "pwd", "signature"]
    private static let stems = ["credential", "passphrase", "passwd", "password", "secret", "token"]
    private static let endings = ["key", "keys"]
    /// Words that people misspell. A word that differs in one letter looks secret too.
    private static let spelled = (stems + ["passwort"]).map(Array.init)
    /// The path of a file with a key is no key.
    private static let keyFile = "tls.key"

    /// Whether messages must not show the value at `keyPath`. This is so when a word of the path looks secret
    /// (`db-password`, `auth.token`, `privateKey`), when the value is an address with user information
    /// (`user:secret@host`, with or without a scheme), or when it has a secret parameter. In doubt, the value is
    /// hidden.
    static func mustHide(_ value: String, at keyPath: String) -> Bool {
        isSecret(keyPath) || URLSecrets.areIn(value) || value.contains("-----BEGIN")
    }

    /// Sections whose own names look secret. The options in them have names of their own.
    private static let sections = ["server.authorization", "server.auth"]

    /// Whether a word of a name or path looks secret. The path of a file with a secret is none: `password-file`,
    /// `DB_PASSWORD_FILE`.
    package static func isSecret(_ keyPath: String) -> Bool {
        var keyPath = keyPath
        if let section = sections.first(where: { keyPath == $0 || keyPath.hasPrefix($0 + ".") }) {
            keyPath.removeFirst(section.count)
        }
        if keyPath == keyFile || keyPath.hasSuffix("." + keyFile) { keyPath.removeLast(keyFile.count) }
        keyPath = KeyNaming.kebabCase(keyPath)
        if keyPath.hasSuffix("-file") || keyPath.hasSuffix("_file") {
            keyPath = keyPath.split(separator: ".").dropLast().joined(separator: ".")
        }
        return keyPath.split { !$0.isLetter }
            .contains { word in
                words.contains(word) || stems.contains { word.contains($0) } || endings.contains { word.hasSuffix($0) }
                    || isMisspelt(word)
            }
    }

    private static func isMisspelt(_ word: Substring) -> Bool {
        let word = Array(word)
        return spelled.contains { abs($0.count - word.count) <= 1 && KeySuggestion.distance($0, word) == 1 }
    }
}
