package import ServiceKitConfig

extension String {
    /// Checks that the text can be the name of a header (RFC 9110, section 5.1). No call would have another one.
    ///
    /// - Throws: `ConfigurationError` that names the key.
    package func requireHeaderName(at keyPath: String) throws(ConfigurationError) {
        if HeaderName.isValid(self) { return }
        let fault = isEmpty ? "a header has a name" : "\"\(self)\" can be no header's name"
        throw ConfigurationError(
            message: "\(fault); write letters, digits and hyphens, such as x-api-key", keyPath: keyPath)
    }
}

private enum HeaderName {
    private static let marks = Array("!#$%&'*+-.^_`|~".utf8)

    /// Whether a text is a token.
    static func isValid(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: marks.contains(byte)
                }
            }
    }
}
