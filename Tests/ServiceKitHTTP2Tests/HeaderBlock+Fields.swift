@testable import ServiceKitHTTP2

extension HeaderBlock {
    /// The fields as strings.
    var fields: [String: String] {
        var fields: [String: String] = [:]
        forEach { name, value in
            fields[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
        return fields
    }
}
