/// YAML's own tags. Others are not supported.
enum YAMLTag {
    private static let prefix = "tag:yaml.org,2002:"

    /// Whether a collection's tag is that of its kind, `seq` or `map`, or says nothing.
    static func isOf(_ kind: String, _ tag: String?) -> Bool {
        tag == nil || tag == "!" || tag == prefix + kind
    }

    /// Reads a scalar in the type of its tag. Throws `failure` when the tag is unknown or the text does not fit it.
    static func content(
        of scalar: YAMLEvent.ScalarEvent,
        failure: @autoclosure () -> ConfigurationError
    ) throws(ConfigurationError) -> ConfigurationNode.Scalar {
        let tag = scalar.properties.tag
        let untagged = ConfigurationNode.Scalar(text: scalar.text, form: .plain)
        let fits: Bool
        switch tag {
        case nil: return ConfigurationNode.Scalar(text: scalar.text, form: scalar.isPlain ? .plain : .quoted)
        case "!", prefix + "str": return ConfigurationNode.Scalar(text: scalar.text, form: .quoted)
        case prefix + "null": fits = untagged.isNull
        case prefix + "bool": fits = (try? Bool(reading: untagged)) != nil
        case prefix + "int": fits = (try? Int128(reading: untagged)) != nil
        case prefix + "float": fits = (try? Double(reading: untagged)) != nil
        case prefix + "merge": fits = scalar.text == "<<"
        default: fits = false
        }
        guard fits else { throw failure() }
        return untagged
    }
}
