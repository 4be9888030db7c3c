import FoundationEssentials

extension URL: ScalarConvertible {
    static var expectation: String { "a URL such as http://127.0.0.1:2379" }
    static var kind: ScalarKind { .url }

    /// Reads an absolute URL: one with a scheme.
    init(reading scalar: ConfigurationNode.Scalar) throws(ScalarMismatch) {
        guard let url = URL(string: scalar.text), let scheme = url.scheme, !scheme.isEmpty else {
            throw ScalarMismatch()
        }
        self = url
    }

    var scalar: ConfigurationNode.Scalar { ConfigurationNode.Scalar(text: absoluteString, form: .quoted) }
}
