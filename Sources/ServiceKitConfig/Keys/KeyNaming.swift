/// Translates keys of Swift types to YAML and back.
package enum KeyNaming {
    /// Whether the keys of a type are written unchanged: those of dictionaries, and of all key types that accept any
    /// text. An enumeration of keys, which the compiler generates, accepts only its own keys.
    static func isLiteral(_ type: any CodingKey.Type) -> Bool {
        type.init(stringValue: "\u{0}") != nil
    }

    /// The key in YAML: `max-message` for `maxMessage`.
    static func name(of key: some CodingKey) -> String {
        isLiteral(type(of: key)) ? key.stringValue : kebabCase(key.stringValue)
    }

    /// `maxMessage` → `max-message`, `maxURLLength` → `max-url-length`, `http2Port` → `http2-port`.
    package static func kebabCase(_ name: String) -> String {
        // Most keys are one word.
        if name.utf8.allSatisfy({ $0 < 0x80 && !(UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0) }) { return name }
        let characters = Array(name)
        var result = ""
        for (index, character) in characters.enumerated() {
            if character.isUppercase, index > 0 {
                let previous = characters[index - 1]
                let nextIsLowercase = index + 1 < characters.count && characters[index + 1].isLowercase
                let startsWord = previous.isLowercase || previous.isNumber
                let endsAcronym = previous.isUppercase && nextIsLowercase
                if startsWord || endsAcronym { result += "-" }
            }
            result += character.lowercased()
        }
        return result
    }

    /// `max-message` → `maxMessage`.
    static func camelCase(_ name: String) -> String {
        let words = name.split(separator: "-", omittingEmptySubsequences: false)
        return words.dropFirst().reduce(String(words.first ?? "")) { result, word in
            result + word.prefix(1).uppercased() + word.dropFirst()
        }
    }
}
