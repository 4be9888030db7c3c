internal import EtcdClient
internal import ServiceKit

/// The permission that a user of etcd needs for keys with a prefix.
struct NeededAccess: Sendable {
    /// The permission and the prefix, as etcdctl takes them.
    fileprivate let arguments: String

    static func reading(_ prefix: String) -> NeededAccess {
        NeededAccess(arguments: "read \(prefix.isEmpty ? "''" : prefix)")
    }

    static func writing(_ key: String) -> NeededAccess {
        NeededAccess(arguments: "readwrite \(key[...(key.lastIndex(of: "/") ?? key.startIndex)])")
    }
}

extension RegistryError {
    /// The error of an action that needs some access.
    init(_ error: EtcdError, _ what: String, needs access: NeededAccess) {
        let grant = "etcdctl role grant-permission ROLE --prefix=true \(access.arguments)"
        let (code, remedy): (Code, String) =
            switch error.code {
            case .timeout: (.timeout, "")
            case .unavailable: (.unavailable, "; is it running?")
            case .unauthenticated:
                (.unauthenticated, "; set registry.etcd.username, and password-file or KIT_REGISTRY__ETCD__PASSWORD")
            case .permissionDenied: (.permissionDenied, "; permit it to one of the user's roles: \(grant)")
            case .invalidArgument, .unsupported: (.misconfigured, "")
            default: (.unavailable, "")
            }
        self.init(code: code, message: "etcd registry: \(what): \(error.message)\(remedy)")
    }
}
