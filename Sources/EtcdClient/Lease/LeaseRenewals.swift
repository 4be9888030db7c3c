/// The renewals of a lease; see ``EtcdClient/keepAlive(_:)``. Only the latest is kept for a reader that is busy.
public struct LeaseRenewals: AsyncSequence, Sendable {
    /// How long the lease lives from now on.
    public typealias Element = Duration

    let stream: AsyncThrowingStream<Duration, any Error>

    /// Reads the renewals.
    public func makeAsyncIterator() -> AsyncThrowingStream<Duration, any Error>.Iterator {
        stream.makeAsyncIterator()
    }
}
