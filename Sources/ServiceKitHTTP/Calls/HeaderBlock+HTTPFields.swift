import HTTPTypes
import ServiceKitHTTP2

extension HeaderBlock {
    /// Headers that belong to the connection: the engine writes them.
    private static let connectionHeaders: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// Appends a program's headers. Headers of the connection are left out.
    ///
    /// - Parameters:
    ///   - fields: The headers.
    ///   - exceptions: The names of further headers to leave out, in lower case.
    mutating func append(_ fields: HTTPFields, except exceptions: Set<String> = []) {
        for field in fields {
            let name = field.name.canonicalName
            if Self.connectionHeaders.contains(name) || exceptions.contains(name) { continue }
            append(name: name, value: field.value)
        }
    }
}
