/// A failure of an ``EtcdServer``.
public struct EtcdServerFailure: Error, Sendable, CustomStringConvertible {
    /// The failed action, the member, and etcd's own output about it.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
