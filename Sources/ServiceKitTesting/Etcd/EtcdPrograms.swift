import Foundation

/// Where etcd's programs are.
struct EtcdPrograms: Sendable {
    /// The path of the server.
    let etcd: String
    /// The path of the command-line client.
    let etcdctl: String

    /// Looks for them.
    ///
    /// - Parameter name: A path, or a name that is looked up on the `PATH`.
    /// - Throws: ``EtcdServerFailure`` when one of them is not there.
    init(etcd name: String) throws {
        let directories = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map(String.init) ?? []
        let paths = name.contains("/") ? [name] : directories.map { "\($0)/\(name)" }
        let etcd = paths.first(where: FileManager.default.isExecutableFile(atPath:))
        guard let etcd else {
            let place = name.contains("/") ? "there is no program" : "not on the PATH"
            throw EtcdServerFailure("cannot run \(name): \(place); install etcd (Debian: etcd-server)")
        }
        // Of the same version, where there is one.
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
