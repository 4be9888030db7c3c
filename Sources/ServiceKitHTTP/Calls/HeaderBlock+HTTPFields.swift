import HTTPTypes
import ServiceKitHTTP2

extension HeaderBlock {
    /// Appends a program's headers. Headers of the connection are left out: the engine writes them.
    ///
    /// - Parameters:
    ///   - fields: The headers.
    ///   - exceptLength: Whether `content-length` is left out as well. Default: no.
    mutating func append(_ fields: HTTPFields, exceptLength: Bool = false) {
        for field in fields {
            let name = field.name.canonicalName
            if Self.belongsToConnection(name) || exceptLength && name == "content-length" { continue }
            append(name: name, value: field.value)
        }
    }

    private static func belongsToConnection(_ name: String) -> Bool {
        switch name.utf8.count {
        case 2: name == "te"
        case 7: name == "trailer" || name == "upgrade"
        case 10: name == "connection" || name == "keep-alive"
        case 16: name == "proxy-connection"
        case 17: name == "transfer-encoding"
        default: false
        }
    }
}
