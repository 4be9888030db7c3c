/// The states of a watched service, one after the other; see ``Discoverer/watch(_:)``.
///
/// Only the latest state is kept for a reader that is busy. Each iterator is a watch of its own.
public struct DiscoveryUpdates: AsyncSequence, Sendable {
    /// A snapshot.
    public typealias Element = DiscoverySnapshot
    /// Watching does not fail.
    public typealias Failure = Never

    private let run: @Sendable (Emitter) async -> Void

    /// Makes the sequence of a backend from the function that watches. It runs once for each iterator, until its task
    /// is cancelled, and hands every new state to the emitter. When it returns, the sequence ends.
    public init(_ run: @escaping @Sendable (Emitter) async -> Void) {
        self.run = run
    }

    /// Makes the sequence of a backend for one service, as ``init(_:)`` does. An invalid name, which no registry can
    /// hold, gives a watch that is stale from the start and stays so.
    public init(of service: String, _ run: @escaping @Sendable (Emitter) async -> Void) {
        do throws(RegistryError) {
            try ServiceInstance.validate(serviceName: service)
            self.init(run)
        } catch {
            let cause = error.message
            self.init { emit in
                emit(DiscoverySnapshot(instances: [], state: .stale(since: .now, cause: cause)))
                await untilCancelled()
            }
        }
    }

    /// Takes the states from a backend.
    public struct Emitter: Sendable {
        fileprivate let continuation: AsyncStream<DiscoverySnapshot>.Continuation

        /// Hands over a new state, replacing one not yet read.
        public func callAsFunction(_ snapshot: DiscoverySnapshot) {
            continuation.yield(snapshot)
        }
    }

    /// Starts watching.
    public func makeAsyncIterator() -> AsyncStream<DiscoverySnapshot>.Iterator {
        let (stream, continuation) = AsyncStream.makeStream(
            of: DiscoverySnapshot.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        // Unstructured, since an iterator has no scope to own it: it ends when the reader's task is cancelled or the
        // iterator is dropped, both of which terminate the stream.
        let task = Task { [run] in
            await run(Emitter(continuation: continuation))
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream.makeAsyncIterator()
    }
}
