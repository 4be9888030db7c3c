internal import Logging
internal import ServiceKitConcurrency
internal import SwiftProtobuf
internal import Synchronization

/// Keeps all leases of a client alive, on one stream.
final class LeaseKeeper: Sendable {
    private typealias Listener = LeaseRenewals.Continuation

    private let calls: Calls
    private let maxBackoff: Duration
    private let table = Mutex(LeaseTable<Listener>())
    /// One signal for each task that reads the table. A new lease raises them all.
    private let forStream = Signal()
    private let forRenewals = Signal()
    private let forExpiry = Signal()
    private let forAnswers = Signal()

    /// The first bound of the wait before the stream is made again.
    private static let firstBackoff = Duration.milliseconds(500)

    init(_ calls: Calls, maxBackoff: Duration) {
        self.calls = calls
        self.maxBackoff = maxBackoff
    }

    /// The number of leases that are kept alive.
    var count: Int { table.withLock(\.count) }

    func keep(_ lease: Lease) -> LeaseRenewals {
        let (stream, listener) = LeaseRenewals.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (isOpen, previous) = table.withLock { table in
            table.isClosed ? (false, nil) : (true, table.add(lease, listener, at: .now))
        }
        guard isOpen else {
            listener.finish(throwing: EtcdError.closed)
            return stream
        }
        previous?.finish()
        listener.onTermination = { [weak self] reason in
            // If the stream was finished by this keeper, the table holds another listener by now, or none.
            if case .cancelled = reason { self?.table.withLock { $0.remove(lease.id) } }
        }
        for signal in [forStream, forRenewals, forExpiry, forAnswers] { signal.raise() }
        return stream
    }

    /// Renews leases until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.stream() }
            group.addTask { await self.expire() }
        }
        for listener in table.withLock({ $0.close() }) { listener.finish(throwing: EtcdError.closed) }
    }

    // MARK: - The stream

    private func stream() async {
        var backoff = Backoff(base: Self.firstBackoff, maximum: maxBackoff)
        while !Task.isCancelled {
            guard !table.withLock(\.isEmpty) else {
                await forStream.wait()
                continue
            }
            let isHealthy = Mutex(false)
            do throws(EtcdError) {
                let isOver = try await calls.stream(
                    EtcdMethods.leaseKeepAlive,
                    produce: { [self] in try await renew($0) },
                    consume: { [self] (response: WireLeaseKeepAliveResponse) in
                        isHealthy.withLock { $0 = true }
                        receive(response)
                    },
                    answerDeadline: { [self] in table.withLock(\.answerDeadline) },
                    answersChanged: forAnswers
                )
                // The last lease was gone. There may be a new one by now.
                if isOver { continue }
            } catch {
                if Task.isCancelled { return }
                calls.logger.debug("lease stream lost", metadata: ["cause": "\(error)"])
            }
            table.withLock { $0.disconnected(at: .now) }
            if isHealthy.withLock(\.self) { backoff.reset() }
            try? await Task.sleep(for: backoff.next())
        }
    }

    /// Sends the renewals that are due. Returns when no lease is left.
    private func renew(_ send: @Sendable (WireLeaseKeepAliveRequest) async throws -> Void) async throws {
        while !Task.isCancelled {
            let due = table.withLock { $0.takeDue(at: .now) }
            if !due.isEmpty { forAnswers.raise() }
            for id in due { try await send(.with { $0.id = id }) }
            guard let next = table.withLock({ $0.isEmpty ? nil : $0.nextRenewal }) else { return }
            await forRenewals.wait(until: next)
        }
    }

    private func receive(_ response: WireLeaseKeepAliveResponse) {
        guard response.ttl > 0 else {
            let error = EtcdError(
                code: .leaseNotFound,
                message: "etcd: lease \(Lease.text(of: response.id)) is gone; it was revoked, or not renewed in time"
            )
            table.withLock { $0.lost(response.id) }?.finish(throwing: error)
            return
        }
        let ttl = Duration.seconds(response.ttl)
        let listener = table.withLock { $0.renewed(response.id, ttl: ttl, at: .now) }
        listener?.yield(ttl)
        forExpiry.raise()
    }

    // MARK: - Expiry

    private func expire() async {
        while !Task.isCancelled {
            for (id, listener) in table.withLock({ $0.takeExpired(at: .now) }) {
                let message = "etcd: lease \(Lease.text(of: id)) expired, since etcd could not be reached"
                listener.finish(throwing: EtcdError(code: .leaseExpired, message: message))
            }
            await forExpiry.wait(until: table.withLock(\.nextExpiry))
        }
    }
}
