/// A value that stands alone, without a file around it: of a variable, of an option, in the place of a placeholder.
enum InlineValue {
    /// A value that begins with a bracket: a list, a mapping, or a text such as `[::1]:9000`.
    ///
    /// Only the type that reads it can tell.
    final class Brackets: Sendable {
        let text: String
        /// The reason why the value is not YAML; `nil` when it is.
        let failure: ConfigurationError?

        init(text: String, failure: ConfigurationError? = nil) {
            self.text = text
            self.failure = failure
        }
    }

    static func hasBrackets(_ text: String) -> Bool {
        text.hasPrefix("[") || text.hasPrefix("{")
    }

    /// The node for a text, which its type reads as text, number, boolean or list.
    ///
    /// The text is YAML only if it begins like a list or a mapping, and its type does not read text. Every other text is
    /// taken literally, so that a password may contain any character.
    static func node(_ text: String, location: SourceLocation?, at path: String) -> ConfigurationNode {
        var node = ConfigurationNode(.scalar(.init(text: text, form: .literal)), location: location)
        guard hasBrackets(text), let location else { return node }
        do throws(ConfigurationError) {
            node = try YAMLComposer.compose(Array(text.utf8), origin: .value(location), at: path) ?? node
            node.brackets = Brackets(text: text)
        } catch {
            node.brackets = Brackets(text: text, failure: error)
        }
        return node
    }
}

extension ConfigurationNode {
    /// The elements of a sequence, or of a list with commas in its place.
    func elements(keyPath: @autoclosure () -> String) throws(ConfigurationError) -> [ConfigurationNode] {
        if case .sequence(let elements) = content { return elements }
        guard case .scalar(let scalar) = content, !scalar.isNull else {
            throw mismatch(expected: "a sequence", isScalar: false, keyPath: keyPath())
        }
        guard scalar.form == .literal, brackets == nil else {
            throw mismatch(
                expected: "a sequence", isScalar: false, advice: "write [a, b], also for one element: [a]",
                keyPath: keyPath())
        }
        var elements: [ConfigurationNode] = []
        for part in scalar.text.split(separator: ",", omittingEmptySubsequences: false) {
            let text = part.drop(while: \.isWhitespace)
            guard let last = text.lastIndex(where: { !$0.isWhitespace }) else {
                throw ConfigurationError(
                    message: "an element of the list is empty; write a,b or [a, b], and [] for no elements",
                    location: location,
                    keyPath: keyPath()
                )
            }
            let element = Scalar(text: String(text[...last]), form: .literal)
            let node = ConfigurationNode(.scalar(element), location: location)
            elements.append(isSecret ? node.hidden : node)
        }
        return elements
    }
}
