/// A type that is written as one scalar and read by the decoder itself.
protocol ScalarConvertible: Decodable {
    /// What the type wants, as in "expected …".
    static var expectation: String { get }

    /// As which kind of value the type reads the scalar.
    static var reading: KnownKeys.Reading { get }

    /// Reads the scalar, which is not null.
    init(reading scalar: ConfigurationNode.Scalar) throws(ScalarMismatch)

    /// The scalar that reads as this value.
    var scalar: ConfigurationNode.Scalar { get }
}

extension ScalarConvertible {
    static var reading: KnownKeys.Reading { .text }
}

/// Why a scalar is not a value of the type. Holds nothing of the scalar's text, which may be secret.
struct ScalarMismatch: Error {
    /// What was expected, when that is more precise than ``ScalarConvertible/expectation``.
    var expected: String?

    /// What to do.
    var advice: String?
}

extension ConfigurationNode.Scalar {
    /// The text, unless quotes say that it is no number or boolean.
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
    static var reading: KnownKeys.Reading { .boolean }

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
