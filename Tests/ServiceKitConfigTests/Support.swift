import ServiceKitConfig
import Testing

/// The description of the error that `body` throws.
func errorText(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch let error as ConfigurationError {
        return error.description
    } catch {
        return "another error: \(error)"
    }
}

/// The description of the error of reading a document.
func parseError(_ yaml: String) -> String {
    errorText { _ = try Configuration(yaml: yaml, origin: "app.yaml") }
}

/// The description of the error of decoding a document as a whole.
func decodeError<T: Decodable & SendableMetatype>(_ type: T.Type, _ yaml: String, at path: String = "") -> String {
    errorText { _ = try Configuration(yaml: yaml, origin: "app.yaml").decode(type, at: path) }
}

/// Decodes the value of the key `v`.
func decodeValue<T: Decodable & SendableMetatype>(_ type: T.Type, _ value: String) throws -> T {
    try Configuration(yaml: "v: \(value)", origin: "app.yaml").decode(type, at: "v")
}

/// A configuration of one document, variables and overrides; no file.
func layered(
    _ environment: [String: String] = [:],
    _ overrides: [String] = []
) throws -> Configuration {
    try Configuration.load(files: [], environment: environment, overrides: overrides)
}
