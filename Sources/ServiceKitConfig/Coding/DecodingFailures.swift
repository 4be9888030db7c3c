extension ConfigurationNode {
    func scalarValue<T: ScalarConvertible>(
        _ type: T.Type, keyPath: @autoclosure () -> String
    ) throws(ConfigurationError) -> T {
        let scalar: Scalar
        switch content {
        case .scalar(let own) where !own.isNull:
            scalar = own
        default:
            // A text may begin with a bracket.
            guard let brackets else { throw mismatch(expected: T.expectation, keyPath: keyPath()) }
            scalar = Scalar(text: brackets.text, form: .literal)
        }
        do {
            return try T(reading: scalar)
        } catch {
            let expected = error.expected ?? T.expectation
            throw mismatch(expected: expected, advice: error.advice, keyPath: keyPath())
        }
    }

    /// Creates the error that names the expected type, the found value, and the remedy. A scalar is shown only where one
    /// `isScalar` belongs: in another place it may be a whole section's text, with its secrets.
    func mismatch(
        expected: String, isScalar: Bool = true, advice: String? = nil, keyPath: String
    ) -> ConfigurationError {
        if let failure = brackets?.failure {
            guard isSecret else { return failure }
            // The message and the key path may have keys of the value.
            return ConfigurationError(
                message: "expected \(expected), found \(Self.hiddenValue)", location: location, keyPath: keyPath)
        }
        if isAbsent {
            return ConfigurationError(message: "required key is missing; expected \(expected)", keyPath: keyPath)
        }
        let advice = advice.map { "; \($0)" } ?? ""
        return ConfigurationError(
            message: "expected \(expected), found \(finding(at: keyPath, isScalar: isScalar))\(advice)",
            location: location,
            keyPath: keyPath
        )
    }

    /// Creates the error for a value in the place of a mapping: a variable that sets a whole section, for example.
    /// `example` is the form that the value may have been meant for.
    func mappingMismatch(
        at path: ConfigurationPath, keyPath: String, example: String? = nil
    ) -> ConfigurationError {
        var advice = example.map { "write it as in \($0)" }
        if case .scalar = content, EnvironmentLayer.variable(location) != nil,
            let name = EnvironmentLayer.name(of: path)
        {
            advice = "unset it; the variables for keys of \(path) begin with \(name)__"
        }
        return mismatch(expected: "a mapping", isScalar: false, advice: advice, keyPath: keyPath)
    }

    private static let hiddenValue = "a value (not shown: it may be secret)"

    /// The found value, masked if it may be secret.
    private func finding(at keyPath: String, isScalar: Bool) -> String {
        guard case .scalar(let scalar) = content, !scalar.isNull else { return kind }
        let prefix = scalar.form == .quoted ? "the quoted text" : ""
        if !isScalar {
            let count = scalar.text.count
            return "a text of \(count) character\(count == 1 ? "" : "s")"
        }
        guard !mustHide(scalar.text, at: keyPath) else {
            return prefix.isEmpty ? Self.hiddenValue : "\(prefix) (not shown: it may be secret)"
        }
        return (prefix.isEmpty ? "" : prefix + " ") + Excerpt.quoted(scalar.text)
    }
}

extension ConfigurationNode {
    static let hiddenFailure = "invalid value (not shown: it may be secret)"

    /// The message of a check of this value, about the value at some keys in it. Checks of types and plugins may quote any
    /// value. So a message about a secret, or with the text of one, is not shown.
    func shown(_ message: String, about value: ConfigurationNode?, at keyPath: String) -> String {
        value?.hasSecretText == true || quotesSecret(message, at: keyPath) ? Self.hiddenFailure : message
    }

    /// Whether the value, or an element of it, is secret as a whole.
    private var hasSecretText: Bool {
        if isSecret { return true }
        return if case .sequence(let elements) = content { elements.contains(where: \.hasSecretText) } else { false }
    }

    /// Whether a message has the text of a secret in this tree.
    private func quotesSecret(_ message: String, at keyPath: String) -> Bool {
        switch content {
        case .scalar(let scalar):
            mustHide(scalar.text, at: keyPath) && Excerpt.isQuoted(scalar.text, in: message)
        case .sequence(let elements):
            elements.contains { $0.quotesSecret(message, at: keyPath) }
        case .mapping(let mapping):
            mapping.entries.contains { $0.value.quotesSecret(message, at: KeyTrail.join(keyPath, $0.key)) }
        }
    }
}

extension NodeDecoder {
    /// Translates an error of a type's `init(from:)`.
    func configurationError(for error: any Error, decoding type: any Decodable.Type) -> ConfigurationError {
        switch error {
        case let error as ConfigurationError:
            // A type knows neither file nor key, and may show the value. A missing key has no place, but the mapping around
            // it has one.
            let isOwn = error.keyPath == nil
            return ConfigurationError(
                message: isOwn ? node.shown(error.message, about: node, at: trail.text) : error.message,
                location: error.location ?? node.location,
                keyPath: error.keyPath ?? trail.text
            )
        case let error as DecodingError:
            return configurationError(for: error, decoding: type)
        default:
            return failure("\(error)", at: [])
        }
    }

    private func configurationError(for error: DecodingError, decoding type: any Decodable.Type) -> ConfigurationError {
        switch error {
        case .keyNotFound(let key, let context):
            return failure("required key is missing", at: context.codingPath + [key])
        case .dataCorrupted(let context):
            if let allowed = allowedValues(of: type) { return node.mismatch(expected: allowed, keyPath: trail.text) }
            return failure(context.debugDescription, at: context.codingPath)
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return failure(context.debugDescription, at: context.codingPath)
        @unknown default:
            return failure("cannot be decoded as \(type)", at: [])
        }
    }

    /// The raw values of an enumeration; `nil` for other types.
    private func allowedValues(of type: any Decodable.Type) -> String? {
        guard type is any RawRepresentable.Type, node.mapping == nil else { return nil }
        guard let enumeration = type as? any CaseIterable.Type else { return "a valid \(type)" }
        let values = Self.rawValues(of: enumeration)
        return values.count == 1 ? values[0] : "one of " + values.joined(separator: ", ")
    }

    static func rawValues<T: CaseIterable>(of type: T.Type) -> [String] {
        T.allCases.compactMap { value in
            (value as? any RawRepresentable).map { "\($0.rawValue)" }
        }
    }

    /// Creates an error below this node. `message` comes from a type and may contain the value.
    private func failure(_ message: String, at path: [any CodingKey]) -> ConfigurationError {
        var node: ConfigurationNode? = node
        var location = self.node.location
        var keyPath = trail.text
        for key in path.dropFirst(codingPath.count) {
            let child: ConfigurationNode?
            if case .sequence(let elements) = node?.content {
                child = key.intValue.flatMap { elements.indices.contains($0) ? elements[$0] : nil }
                keyPath += "[\(key.intValue ?? 0)]"
            } else {
                let name = KeyNaming.name(of: key)
                child = node?.mapping?[name]?.value
                keyPath = KeyTrail.join(keyPath, name)
            }
            location = child?.location ?? location
            node = child
        }
        var text = ""
        if case .scalar(let scalar) = node?.content { text = scalar.text }
        let isSecret = (node ?? self.node).mustHide(text, at: keyPath)
        return ConfigurationError(
            message: isSecret
                ? ConfigurationNode.hiddenFailure : self.node.shown(message, about: node, at: trail.text),
            location: location,
            keyPath: keyPath
        )
    }
}
