/// The renewals of a lease; see ``EtcdClient/keepAlive(_:)``. A slow reader gets only the latest.
public struct LeaseRenewals: AsyncSequence, Sendable {
    /// The lease's life from now on.
    public typealias Element = Duration

    let stream: AsyncThrowingStream<Duration, any Error>

    /// Reads the renewals.
    public func makeAsyncIterator() -> AsyncThrowingStream<Duration, any Error>.Iterator {
        stream.makeAsyncIterator()
    }
}
