package import NIOCore
import Synchronization

/// Looks up the addresses of names. A slow name does not hold back the look-up of another one.
///
/// The system's resolver blocks its thread, for many seconds where a name server is away, and cannot be interrupted. So
/// each look-up has a thread of its own, up to a bound, and a caller waits no longer than a limit: a look-up that hangs is
/// left behind, and its thread counts until it ends. See ``NameLookups`` for the order when the bound is reached.
package final class NameResolver: Sendable {
    /// Finds the addresses of a name, in the order in which to try them; it may block.
    package typealias LookUp = @Sendable (_ name: String) throws(NameLookupError) -> [SocketAddress]

    private typealias Waiter = EventLoopPromise<[SocketAddress]>

    /// The process's resolver.
    package static let shared = NameResolver()

    private let lookUp: LookUp
    private let lookups: Mutex<NameLookups<Waiter>>

    /// Creates a resolver.
    ///
    /// - Parameters:
    ///   - maxThreads: How many names are looked up at a time. Default: 256.
    ///   - maxQueued: How many names wait for a thread; asking for a further one fails. Default: 10,000.
    ///   - slowAfter: How long a look-up may take before its name counts as slow. Default: 1 s.
    ///   - lookUp: Finds addresses. Default: asks the system.
    package init(
        maxThreads: Int = 256,
        maxQueued: Int = 10_000,
        slowAfter: Duration = .seconds(1),
        lookUp: @escaping LookUp = SystemResolver.addresses
    ) {
        self.lookUp = lookUp
        lookups = Mutex(NameLookups(maxThreads: maxThreads, maxQueued: maxQueued, slowAfter: slowAfter))
    }

    /// How many threads look names up.
    package var running: Int { lookups.withLock { $0.running } }

    /// The addresses of a name, at least one, without a port.
    ///
    /// - Parameters:
    ///   - name: The name; upper and lower case are the same.
    ///   - limit: How long to wait for them.
    ///   - loop: The event loop. Its clock measures the limit; it delivers the result.
    /// - Returns: The addresses, or a ``NameLookupError``.
    package func addresses(
        of name: String,
        within limit: Duration,
        on loop: any EventLoop
    ) -> EventLoopFuture<[SocketAddress]> {
        let name = name.lowercased()
        let promise = loop.makePromise(of: [SocketAddress].self)
        let id: Int
        switch lookups.withLock({ $0.add(promise, for: name, at: .now()) }) {
        case .refused(let error):
            promise.fail(error)
            return promise.futureResult
        case .lookUp(let number):
            id = number
            begin([name])
        case .wait(let number):
            id = number
        }
        // The timer's future also completes when the loop ends before the limit.
        let timer = loop.scheduleTask(in: TimeAmount(limit)) {}
        timer.futureResult.whenComplete { _ in
            guard let (waiter, isQueued) = self.lookups.withLock({ $0.remove(id, from: name) }) else { return }
            waiter.fail(NameLookupError.timedOut(name: name, limit: limit, isQueued: isQueued))
        }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    private func begin(_ names: [String]) {
        var names = names
        while let name = names.popLast() {
            let hasBegun = DetachedThread.start {
                let result = Result { () throws(NameLookupError) in try self.lookUp(name) }
                self.begin(self.end(name, result))
            }
            if !hasBegun {
                names += end(name, .failure(.failed(name: name, reason: "the system has no thread for it")))
            }
        }
    }

    /// Tells the callers that wait for a name how its look-up ended.
    ///
    /// - Returns: The names to be looked up next.
    private func end(_ name: String, _ result: Result<[SocketAddress], NameLookupError>) -> [String] {
        let (waiters, next) = lookups.withLock { $0.finished(name, at: .now()) }
        for waiter in waiters {
            switch result {
            case .success(let addresses): waiter.succeed(addresses)
            case .failure(let error): waiter.fail(error)
            }
        }
        return next
    }
}
