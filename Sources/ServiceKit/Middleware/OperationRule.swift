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

extension Sequence<String> {
    /// Throws `ConfigurationError` for a text that is no path of an operation: it would silently concern no call.
    package func requireOperations(at keyPath: String) throws(ConfigurationError) {
        for text in self where !text.hasPrefix("/") {
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
