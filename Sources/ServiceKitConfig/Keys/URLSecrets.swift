/// Masks the secrets of URLs in text for people: `amqp://user:***@host:5672/`.
package enum URLSecrets {
    /// The text that replaces a secret.
    package static let mask = "***"

    /// Masks the secrets of all URLs in a text. Passwords are masked; the user's name stays. User information without a
    /// colon may be a token, and is masked as a whole. Values of parameters whose names look secret (`?password=…`) are
    /// masked too.
    package static func masked(_ text: String) -> String {
        guard text.contains("://") else { return text }
        var result = ""
        var rest = text[...]
        while let separator = rest.firstRange(of: "://") {
            result += rest[..<separator.upperBound]
            rest = rest[separator.upperBound...]
            let url = rest.prefix { !endsURL($0) }
            result += maskedParameters(of: maskedUser(of: url))
            rest = rest[url.endIndex...]
        }
        return result + rest
    }

    /// Masks the secrets of an address, with or without a scheme: `user:***@host:2379`.
    package static func masked(address: String) -> String {
        address.contains("://") ? masked(address) : maskedUser(of: address[...])
    }

    /// Whether a text may contain an address with secrets.
    static func areIn(_ text: String) -> Bool {
        if text.contains("://"), text.contains("@") || masked(text) != text { return true }
        return text.split(whereSeparator: { endsURL($0) || ",[]".contains($0) }).contains { word in
            word.lastIndex(of: "@").map { word[..<$0].contains(":") } ?? false
        }
    }

    /// Masks everything up to the last `@`, since people do not escape the characters of their passwords.
    private static func maskedUser(of url: Substring) -> String {
        guard let at = url.lastIndex(of: "@"), !isHostAndPort(url.prefix { !"/?#".contains($0) }) else {
            return String(url)
        }
        let name = url[..<at].firstIndex(of: ":").map { url[...$0] } ?? ""
        return name + mask + url[at...]
    }

    private static func maskedParameters(of url: String) -> String {
        guard let question = url.firstIndex(of: "?") else { return url }
        let parameters = url[url.index(after: question)...].split(separator: "&", omittingEmptySubsequences: false)
        return url[...question]
            + parameters.map { parameter in
                guard let sign = parameter.firstIndex(of: "="), SecretKeys.isSecret(String(parameter[..<sign])) else {
                    return String(parameter)
                }
                return parameter[...sign] + mask
            }
            .joined(separator: "&")
    }

    /// Whether a text is `host`, `host:9000` or `[::1]:9000`. A later `@` then belongs to the path.
    private static func isHostAndPort(_ text: Substring) -> Bool {
        if text.hasPrefix("[") { return !text.contains("@") }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count <= 2 && !text.contains("@") && (parts.count < 2 || parts[1].allSatisfy(\.isNumber))
    }

    /// Whether a character ends a URL in running text: white space, quotes and brackets.
    private static func endsURL(_ character: Character) -> Bool {
        character.isWhitespace || "\"'`<>".contains(character)
    }
}
