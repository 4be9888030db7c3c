/// A type that the decoder reads from one scalar.
protocol ScalarConvertible: Decodable {
    /// The expected value in words, after "expected".
    static var expectation: String { get }

    /// The kind of value that the scalar stands for.
    static var kind: ScalarKind { get }

    /// The values that fit the type; `nil` for all of the kind.
    static var bounds: OptionBounds? { get }

    /// Reads the scalar, which is not null.
    init(reading scalar: ConfigurationNode.Scalar) throws(ScalarMismatch)

    /// The scalar that gives this value when it is read.
    var scalar: ConfigurationNode.Scalar { get }
}

extension ScalarConvertible {
    static var kind: ScalarKind { .text }
    static var bounds: OptionBounds? { nil }
}

/// The reason why a scalar does not fit a type. Contains nothing of the scalar's text, which may be secret.
struct ScalarMismatch: Error {
    /// The expected value, if it is more precise than ``ScalarConvertible/expectation``.
    var expected: String?

    var advice: String?
}

extension ConfigurationNode.Scalar {
    /// The text, unless it is quoted: a number or a boolean has no quotes.
    func unquoted<T: ScalarConvertible>(for type: T.Type) throws(ScalarMismatch) -> String {
        guard form == .quoted else { return text }
        let wouldFit = (try? T(reading: ConfigurationNode.Scalar(text: text, form: .plain))) != nil
        throw ScalarMismatch(advice: wouldFit ? "remove the quotes" : nil)
    }
}

extension String: ScalarConvertible {
    static var expectation: String { "text" }

    init(reading scalar: ConfigurationNode.Scalar) {
        self = scalar.text
    }

    var scalar: ConfigurationNode.Scalar { ConfigurationNode.Scalar(text: self, form: .quoted) }
}

extension Bool: ScalarConvertible {
    static var expectation: String { "true or false" }
    static var kind: ScalarKind { .boolean }

    init(reading scalar: ConfigurationNode.Scalar) throws(ScalarMismatch) {
        switch try scalar.unquoted(for: Bool.self) {
        case "true": self = true
        case "false": self = false
        case let text:
            switch text.lowercased() {
            case "true", "yes", "y", "on": throw ScalarMismatch(advice: "write true")
            case "false", "no", "n", "off": throw ScalarMismatch(advice: "write false")
            default: throw ScalarMismatch()
            }
        }
    }

    var scalar: ConfigurationNode.Scalar { ConfigurationNode.Scalar(text: self ? "true" : "false", form: .plain) }
}
