/// What an ``EtcdServer`` could not do.
public struct EtcdServerFailure: Error, Sendable, CustomStringConvertible {
    /// What was tried or waited for, on which member, and what etcd wrote about it.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
