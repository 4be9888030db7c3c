import Foundation

struct EtcdPrograms: Sendable {
    let etcd: String
    let etcdctl: String

    /// Finds the programs by a path, or a name on the `PATH`. Throws ``EtcdServerFailure`` when one is missing.
    init(etcd name: String) throws {
        let directories = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map(String.init) ?? []
        let paths = name.contains("/") ? [name] : directories.map { "\($0)/\(name)" }
        let etcd = paths.first(where: FileManager.default.isExecutableFile(atPath:))
        guard let etcd else {
            let place = name.contains("/") ? "there is no program" : "not on the PATH"
            throw EtcdServerFailure("cannot run \(name): \(place); install etcd (Debian: etcd-server)")
        }
        // Prefers an etcdctl beside etcd, which has the same version.
        let neighbours = URL(filePath: etcd).deletingLastPathComponent().path(percentEncoded: false)
        let etcdctl = ([neighbours] + directories).map { "\($0)/etcdctl" }
            .first(where: FileManager.default.isExecutableFile(atPath:))
        guard let etcdctl else {
            throw EtcdServerFailure("no etcdctl beside \(etcd) nor on the PATH; install it (Debian: etcd-client)")
        }
        self.etcd = etcd
        self.etcdctl = etcdctl
    }
}
