internal import EtcdClient
internal import ServiceKit

/// The permission that a user of etcd needs for keys with a prefix.
struct NeededAccess: Sendable {
    private let permission: String
    private let prefix: String

    /// Reading the keys with a prefix.
    static func reading(_ prefix: String) -> NeededAccess {
        NeededAccess(permission: "read", prefix: prefix.isEmpty ? "''" : prefix)
    }

    /// Reading and writing a key and its neighbours.
    static func writing(_ key: String) -> NeededAccess {
        NeededAccess(permission: "readwrite", prefix: String(key[...(key.lastIndex(of: "/") ?? key.startIndex)]))
    }

    /// The command that grants it.
    fileprivate var remedy: String { "etcdctl role grant-permission ROLE --prefix=true \(permission) \(prefix)" }
}

extension RegistryError {
    /// - Parameters:
    ///   - what: The action that failed.
    ///   - access: The access that the request needs.
    init(_ error: EtcdError, _ what: String, needs access: NeededAccess) {
        let (code, remedy): (Code, String) =
            switch error.code {
            case .timeout: (.timeout, "")
            case .unavailable: (.unavailable, "; is it running?")
            case .unauthenticated:
                (
                    .unauthenticated,
                    "; set registry.etcd.username, and password-file or KIT_REGISTRY__ETCD__PASSWORD"
                )
            case .permissionDenied: (.permissionDenied, "; permit it to one of the user's roles: \(access.remedy)")
            case .invalidArgument, .unsupported: (.misconfigured, "")
            default: (.unavailable, "")
            }
        self.init(code: code, message: "etcd registry: \(what): \(error.message)\(remedy)")
    }
}
