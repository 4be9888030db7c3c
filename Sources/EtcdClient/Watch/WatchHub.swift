internal import FoundationEssentials
internal import Logging
internal import ServiceKitConcurrency
internal import SwiftProtobuf
internal import Synchronization

/// All watches of a client, on one stream.
final class WatchHub: Sendable {
    private let calls: Calls
    private let namespace: Namespace
    private let config: EtcdConfig
    private let table: Mutex<WatchTable>
    /// Raised when the first watch is added.
    private let forStream = Signal()
    /// Raised when there are requests to send.
    private let forRequests = Signal()
    private let forAnswers = Signal()

    init(_ calls: Calls, _ namespace: Namespace, _ config: EtcdConfig) {
        self.calls = calls
        self.namespace = namespace
        self.config = config
        table = Mutex(WatchTable(namespace, user: config.credentials?.username))
    }

    var count: Int { table.withLock(\.count) }

    func subscribe(_ range: KeyRange, _ options: WatchOptions) -> WatchSubscription {
        let id = table.withLock { $0.nextID() }
        let buffer = WatchBuffer(maxEvents: config.maxBufferedEvents) { [weak self] in
            self?.change { $0.resume(id) }
        }
        if change({ $0.add(id, namespace.adding(to: range), options, buffer) }) {
            forStream.raise()
        } else {
            buffer.finish(.closed)
        }
        return WatchSubscription(buffer: buffer) { [weak self] in
            self?.change { $0.remove(id) }
        }
    }

    private func change<Result: Sendable>(_ body: (inout WatchTable) -> Result) -> Result {
        defer {
            forRequests.raise()
            forAnswers.raise()
        }
        return table.withLock { body(&$0) }
    }

    // MARK: - The stream

    /// Watches until the task is cancelled.
    func run() async {
        var backoff = Backoff(maximum: config.maxBackoff)
        while !Task.isCancelled {
            guard !table.withLock(\.isEmpty) else {
                await forStream.wait()
                continue
            }
            let isHealthy = Mutex(false)
            var failure: EtcdError? = EtcdError(code: .unavailable, message: "etcd ended the stream of watches")
            do throws(EtcdError) {
                try await verify()
                let isOver = try await calls.stream(
                    EtcdMethods.watch,
                    produce: { [self] in try await request($0) },
                    consume: { [self] (response: WireWatchResponse) in
                        isHealthy.withLock { $0 = true }
                        try receive(response)
                    },
                    answerDeadline: { [self] in
                        table.withLock(\.oldestUnanswered)?.advanced(by: config.requestTimeout)
                    },
                    answersChanged: forAnswers
                )
                // The last watch was gone. There may be a new one by now.
                if isOver { failure = nil }
            } catch {
                failure = error
            }
            if Task.isCancelled { break }
            carryOut(table.withLock { $0.disconnected(failure) })
            if isHealthy.withLock(\.self) { backoff.reset() }
            guard let failure else { continue }
            calls.logger.debug("watch stream lost", metadata: ["cause": "\(failure)"])
            try? await Task.sleep(for: backoff.next())
        }
        for buffer in table.withLock({ $0.close() }) { buffer.finish(.closed) }
    }

    /// Checks that the store is still the store that the watches know. A store that lost its data would keep a watch
    /// silent until it reaches the watch's old revision again, and the watch would miss all changes until then.
    private func verify() async throws(EtcdError) {
        guard let header = try await store() else { return }
        let lost = table.withLock { $0.verify(cluster: header.clusterID, revision: header.revision) }
        let message =
            "etcd: the store has gone back to revision \(header.revision), or is another one; its data was lost"
        for buffer in lost { buffer.finish(EtcdError(code: .storeReset, message: message)) }
    }

    /// Reads the store's cluster and revision; `nil` if no watch knows an earlier state, or no watch may be asked
    /// about.
    private func store() async throws(EtcdError) -> WireResponseHeader? {
        for key in table.withLock(\.knownKeys) {
            let request = WireRangeRequest.with {
                $0.key = Data(key)
                $0.countOnly = true
            }
            do {
                return try await calls.unary(EtcdMethods.range, request).header
            } catch  where error.code == .permissionDenied {
                // The user may not watch this key either, and etcd will say so. Other watches must not suffer.
                continue
            }
        }
        return nil
    }

    /// Sends requests. Returns when no watch is left.
    private func request(_ send: @Sendable (WireWatchRequest) async throws -> Void) async throws {
        change { $0.connected() }
        while !Task.isCancelled {
            while let request = table.withLock({ $0.takeRequest() }) {
                // From now on an answer is due.
                forAnswers.raise()
                try await send(request)
            }
            guard !table.withLock(\.isEmpty) else { return }
            await forRequests.wait()
        }
    }

    private func receive(_ response: WireWatchResponse) throws {
        let effects = table.withLock { $0.receive(response) }
        if response.created { forAnswers.raise() }
        forRequests.raise()
        carryOut(effects)
        if let error = effects.restart { throw error }
    }

    private func carryOut(_ effects: WatchTable.Effects) {
        for buffer in effects.woken { buffer.wake() }
    }
}
