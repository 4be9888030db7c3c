internal import EtcdClient
internal import ServiceKit

/// The permissions that a user of etcd needs.
enum NeededAccess: Sendable {
    /// Reading the keys with a prefix.
    case reading(_ prefix: String)
    /// Reading and writing the keys beside a key.
    case writing(_ key: String)

    /// The command that grants it.
    fileprivate var remedy: String {
        switch self {
        case .reading(let prefix):
            Self.command("read", prefix)
        case .writing(let key):
            Self.command("readwrite", String(key[...(key.lastIndex(of: "/") ?? key.startIndex)]))
        }
    }

    private static func command(_ permission: String, _ prefix: String) -> String {
        "etcdctl role grant-permission ROLE --prefix=true \(permission) \(prefix.isEmpty ? "''" : prefix)"
    }
}

extension RegistryError {
    /// - Parameters:
    ///   - what: The action that failed.
    ///   - access: The access that the request needs.
    init(_ error: EtcdError, _ what: String, needs access: NeededAccess) {
        let code: Code =
            switch error.code {
            case .timeout: .timeout
            case .unauthenticated: .unauthenticated
            case .permissionDenied: .permissionDenied
            case .invalidArgument, .unsupported: .misconfigured
            default: .unavailable
            }
        let remedy =
            switch error.code {
            case .unavailable: "; is it running?"
            case .unauthenticated: "; set registry.etcd.username, and password-file or KIT_REGISTRY__ETCD__PASSWORD"
            case .permissionDenied: "; permit it to one of the user's roles: \(access.remedy)"
            default: ""
            }
        self.init(code: code, message: "etcd registry: \(what): \(error.message)\(remedy)")
    }
}
