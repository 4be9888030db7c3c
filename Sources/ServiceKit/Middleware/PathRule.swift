/// Which calls a middleware is for, by the path of the operation.
public struct PathRule: Hashable, Sendable {
    private enum Kind: Hashable { case all, exact(String), prefix(String) }
    private let kind: Kind

    /// Every call.
    public static let all = PathRule(kind: .all)

    /// Calls of one operation: `/user.v1.UserService/GetUser`.
    public static func exact(_ path: String) -> PathRule {
        PathRule(kind: .exact(path))
    }

    /// Calls whose path begins so: `/user.v1.UserService/`, `/user.`.
    public static func prefix(_ path: String) -> PathRule {
        PathRule(kind: .prefix(path))
    }

    /// Whether a path is one of them.
    public func matches(_ path: String) -> Bool {
        switch kind {
        case .all: true
        case .exact(let exact): path == exact
        case .prefix(let prefix): path.hasPrefix(prefix)
        }
    }
}
