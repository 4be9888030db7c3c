import Foundation
import ServiceKitTesting

/// The versions of etcd that are installed here.
enum EtcdVersions {
    /// The programs: those of the `PATH`, and those in the directory that `KIT_TEST_ETCD35` names.
    static let installed: [String] = {
        let directory = ProcessInfo.processInfo.environment["KIT_TEST_ETCD35"]
        return ["etcd"].filter { EtcdServer.isAvailable(binary: $0) } + (directory.map { ["\($0)/etcd"] } ?? [])
    }()

    static func options(_ binary: String) -> EtcdServer.Options {
        var options = EtcdServer.Options()
        options.binary = binary
        return options
    }
}
