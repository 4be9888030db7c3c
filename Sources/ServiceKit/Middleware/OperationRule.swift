package import ServiceKitConfig

/// Selects the calls that a middleware is for, by their operation.
public struct OperationRule: Hashable, Sendable {
    private enum Kind: Hashable { case all, exact(String), prefix(String) }
    private let kind: Kind

    /// Every call.
    public static let all = OperationRule(kind: .all)

    /// Calls of one operation: `/user.v1.UserService/GetUser`.
    public static func exact(_ operation: String) -> OperationRule {
        OperationRule(kind: .exact(operation))
    }

    /// Calls of operations that begin so: `/user.v1.UserService/`, `/user.`.
    public static func prefix(_ prefix: String) -> OperationRule {
        OperationRule(kind: .prefix(prefix))
    }

    /// Calls by a pattern, as configuration writes it: `*` for every call, `/user.v1.UserService/` for a service, `/user.*` for
    /// operations that begin so, else one operation.
    public init(pattern: String) {
        kind =
            if pattern == "*" {
                .all
            } else if pattern.hasSuffix("*") {
                .prefix(String(pattern.dropLast()))
            } else if pattern.hasSuffix("/") {
                .prefix(pattern)
            } else {
                .exact(pattern)
            }
    }

    private init(kind: Kind) {
        self.kind = kind
    }

    /// Whether the rule selects an operation.
    public func matches(_ operation: String) -> Bool {
        switch kind {
        case .all: true
        case .exact(let exact): operation == exact
        case .prefix(let prefix): operation.hasPrefix(prefix)
        }
    }
}

/// The form of operations in configuration.
private enum OperationText {
    /// Whether a text is an operation, `/user.v1.UserService/GetUser`, or a service, `/user.v1.UserService/`. An operation of
    /// HTTP may have more slashes, `/http/GET/users/{id}`, and none after the method, `/http/GET`.
    static func isValid(_ text: String, allowsPatterns: Bool) -> Bool {
        if allowsPatterns, text == "*" || text == "/" { return true }
        guard text.hasPrefix("/") else { return false }
        if allowsPatterns, text.hasSuffix("*") { return true }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard parts.count >= 2, let service = parts.first, !service.isEmpty else { return false }
        // A path of HTTP may contain a wildcard: /http/GET/files/{path=**}.
        return service == "http" && parts.count > 2 || !text.contains("*")
    }
}

extension Sequence<String> {
    /// Checks that each text is an operation or a service. Another text would silently concern no call.
    ///
    /// - Parameters:
    ///   - keyPath: The path of the texts in the configuration.
    ///   - allowsPatterns: Whether `*`, and texts that end with it, are legal too.
    /// - Throws: `ConfigurationError` for the first text that is neither.
    package func requireOperations(
        at keyPath: String, allowsPatterns: Bool = false
    ) throws(ConfigurationError) {
        for text in self where !OperationText.isValid(text, allowsPatterns: allowsPatterns) {
            throw ConfigurationError(
                message: "\"\(text)\" is no operation; write /user.v1.UserService/GetUser, or /user.v1.UserService/",
                keyPath: keyPath
            )
        }
    }
}

extension Dictionary where Key == String {
    /// The value of an operation: its own, `/user.v1.UserService/GetUser`, else that of its service, `/user.v1.UserService/`.
    package subscript(forOperation operation: String) -> Value? {
        if let value = self[operation] { return value }
        return operation.lastIndex(of: "/").flatMap { self[String(operation[...$0])] }
    }
}
