internal import DequeModule
internal import FoundationEssentials
internal import SwiftProtobuf

/// The watches of a client, and their state on the stream.
///
/// A watch has an id of its own, and a number on each ``WatchStream``.
struct WatchTable {
    /// The work that follows a change of the table.
    struct Effects {
        /// The buffers with new updates.
        var woken: [WatchBuffer] = []
        /// The reason to replace the stream, if any.
        var restart: EtcdError?
    }

    private enum Phase {
        /// The watch waits for its creation, on this stream or on the next.
        case waiting
        case requested
        case active(Int64)
        /// The reader is slow, and etcd does not watch for it.
        case suspended
    }

    private enum Link {
        case new, connected, interrupted
    }

    private struct Entry {
        let range: KeyRange
        let options: WatchOptions
        let buffer: WatchBuffer
        /// The first revision that the reader has not seen; zero before it is known.
        var next: Revision
        var phase = Phase.waiting
        /// The events of a revision that may not be complete.
        var partial: [WireEvent] = []
        /// The state of the connection that the reader knows.
        var link = Link.new
        /// The number of refusals by etcd in a row.
        var refusals = 0
    }

    private let namespace: Namespace
    private let user: String?
    private var entries: [Int: Entry] = [:]
    private var stream: WatchStream?
    /// The last requested number. Numbers are never reused. They start far from a proxy's numbers, which count up from
    /// zero, so that none of a proxy's numbers looks like a requested one.
    private var lastNumber: Int64 = 1 << 32
    private var lastID = 0
    private var isClosed = false
    /// The cluster that the watches belong to.
    private var cluster: UInt64?

    /// `user` is the user name of the client, for messages.
    init(_ namespace: Namespace, user: String? = nil) {
        self.namespace = namespace
        self.user = user
    }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    // MARK: - The readers' side

    mutating func nextID() -> Int {
        lastID += 1
        return lastID
    }

    /// Adds a watch of keys with the client's namespace. Returns whether the table took it: it takes none after
    /// ``close()``.
    mutating func add(_ id: Int, _ range: KeyRange, _ options: WatchOptions, _ buffer: WatchBuffer) -> Bool {
        if isClosed { return false }
        entries[id] = Entry(range: range, options: options, buffer: buffer, next: options.from ?? 0)
        stream?.create(id)
        return true
    }

    mutating func remove(_ id: Int) {
        cancel(id)
        entries[id] = nil
    }

    /// Resumes a suspended watch, whose reader has caught up.
    mutating func resume(_ id: Int) {
        guard case .suspended? = entries[id]?.phase else { return }
        entries[id]?.phase = .waiting
        stream?.create(id)
    }

    /// Removes all watches, and accepts none from now on.
    mutating func close() -> [WatchBuffer] {
        isClosed = true
        defer {
            entries = [:]
            stream = nil
        }
        return entries.values.map(\.buffer)
    }

    // MARK: - The stream's side

    /// The first keys of the watches that know a revision. The store's revision is compared before these watches go on.
    var knownKeys: Set<[UInt8]> { Set(entries.values.lazy.filter { $0.next > 0 }.map(\.range.start)) }

    /// Compares the store's revision with the watches. A watch that knows a later revision belongs to another store: it
    /// is removed, and its buffer returned, to be finished with `storeReset`.
    mutating func verify(cluster: UInt64, revision: Revision) -> [WatchBuffer] {
        let isOther = isOther(cluster)
        learn(cluster)
        let lost = entries.filter { $0.value.next > 0 && (isOther || $0.value.next > revision + 1) }
        for id in lost.keys { entries[id] = nil }
        return lost.values.map(\.buffer)
    }

    private func isOther(_ cluster: UInt64) -> Bool {
        guard let known = self.cluster, cluster != 0 else { return false }
        return known != cluster
    }

    /// Remembers the cluster's id. A gRPC proxy leaves it out of some answers: zero is none.
    private mutating func learn(_ cluster: UInt64) {
        if cluster != 0 { self.cluster = cluster }
    }

    /// Begins a stream: all watches are created on it.
    mutating func connected() {
        let ids = entries.keys.sorted().filter { id in
            if case .suspended? = entries[id]?.phase { false } else { true }
        }
        for id in ids { entries[id]?.phase = .waiting }
        stream = WatchStream(ids)
    }

    /// Ends the stream. Without an error, no watch was left.
    mutating func disconnected(_ error: EtcdError?) -> Effects {
        var effects = Effects()
        stream = nil
        for (id, entry) in entries {
            entries[id]?.partial = []
            if case .suspended = entry.phase { continue }
            entries[id]?.phase = .waiting
            guard let error, entry.link != .interrupted else { continue }
            entries[id]?.link = .interrupted
            _ = entry.buffer.offer(.interrupted(error))
            effects.woken.append(entry.buffer)
        }
        return effects
    }

    /// Takes the request to send next. The creation of a watch counts as sent.
    mutating func takeRequest() -> WireWatchRequest? {
        if let number = stream?.takeCancel() { return .with { $0.cancelRequest = .with { $0.watchID = number } } }
        while let id = stream?.takeCreate() {
            // The watch may have been dropped meanwhile.
            guard let entry = entries[id] else { continue }
            entries[id]?.phase = .requested
            entries[id]?.partial = []
            lastNumber += 1
            stream?.requested(id, lastNumber, at: .now)
            return creation(of: entry, lastNumber)
        }
        return nil
    }

    /// The time at which the oldest unanswered request was sent.
    var oldestUnanswered: ContinuousClock.Instant? { stream?.oldestUnanswered }

    private func creation(of entry: Entry, _ number: Int64) -> WireWatchRequest {
        .with {
            $0.createRequest = .with {
                $0.watchID = number
                $0.key = Data(entry.range.start)
                $0.rangeEnd = Data(entry.range.end)
                $0.startRevision = entry.next
                $0.progressNotify = entry.options.notifiesOfProgress
                $0.prevKv = entry.options.returnsPrevious
                $0.fragment = true
                if !entry.options.includesPuts { $0.filters.append(.noput) }
                if !entry.options.includesDeletes { $0.filters.append(.nodelete) }
            }
        }
    }

    /// Queues the cancellation of a watch. A watch without a number yet is cancelled when the answer assigns one.
    private mutating func cancel(_ id: Int) {
        guard case .active(let number)? = entries[id]?.phase else { return }
        stream?.cancel(number)
    }

    // MARK: - etcd's answers

    mutating func receive(_ response: WireWatchResponse) -> Effects {
        do throws(EtcdError) {
            return response.created ? try answered(response) : try report(response)
        } catch {
            return Effects(restart: error)
        }
    }

    /// Handles the answer to a request to create a watch.
    private mutating func answered(_ response: WireWatchResponse) throws(EtcdError) -> Effects {
        guard let (id, number) = try stream?.answered(response) else { return Effects() }
        guard let number else { return canceled(id, response) }
        guard entries[id] != nil else {
            stream?.cancel(number)
            return Effects()
        }
        return created(id, number, response)
    }

    private mutating func report(_ response: WireWatchResponse) throws(EtcdError) -> Effects {
        guard let id = try stream?.watch(response.watchID) else { return Effects() }
        if response.canceled {
            stream?.ended(response.watchID)
            return canceled(id, response)
        }
        return response.events.isEmpty ? progressed(id, response) : happened(id, response)
    }

    private mutating func created(_ id: Int, _ number: Int64, _ response: WireWatchResponse) -> Effects {
        guard let entry = entries[id] else { return Effects() }
        let revision = response.header.revision
        if entry.next == 0, revision > 0 { entries[id]?.next = revision + 1 }
        if cluster == nil { learn(response.header.clusterID) }
        entries[id]?.phase = .active(number)
        entries[id]?.refusals = 0
        // For a reader that was slow, the connection was never lost.
        guard entry.link != .connected else { return Effects() }
        entries[id]?.link = .connected
        _ = entry.buffer.offer(.connected(entries[id]?.next ?? 0))
        return Effects(woken: [entry.buffer])
    }

    private mutating func progressed(_ id: Int, _ response: WireWatchResponse) -> Effects {
        guard let entry = entries[id], response.header.revision >= entry.next else { return Effects() }
        entries[id]?.next = response.header.revision + 1
        guard entry.options.notifiesOfProgress else { return Effects() }
        _ = entry.buffer.offer(.progress(response.header.revision))
        return Effects(woken: [entry.buffer])
    }

    private mutating func happened(_ id: Int, _ response: WireWatchResponse) -> Effects {
        guard let entry = entries[id] else { return Effects() }
        // Drops the events that an earlier stream has delivered.
        var events = entry.partial + response.events.filter { $0.kv.modRevision >= entry.next }
        var rest: [WireEvent] = []
        if response.fragment, let last = events.last?.kv.modRevision {
            // More events of the last revision may follow.
            let start = events.firstIndex { $0.kv.modRevision == last } ?? events.endIndex
            rest = Array(events[start...])
            events.removeSubrange(start...)
        }
        entries[id]?.partial = rest
        guard let last = events.last?.kv.modRevision else { return Effects() }
        guard entry.buffer.offer(.events(events.map { WatchEvent($0, namespace) })) else {
            cancel(id)
            entries[id]?.phase = .suspended
            entries[id]?.partial = []
            return Effects()
        }
        entries[id]?.next = last + 1
        return Effects(woken: [entry.buffer])
    }

    private mutating func canceled(_ id: Int, _ response: WireWatchResponse) -> Effects {
        guard let entry = entries[id] else { return Effects() }
        if response.compactRevision > 0 {
            entries[id] = nil
            let revision = response.compactRevision
            entry.buffer.finish(
                EtcdError(
                    code: .compacted,
                    message: "etcd: revision \(entry.next) was compacted; the oldest kept is \(revision)",
                    revision: revision
                )
            )
            return Effects()
        }
        var error = refusal(of: entry.range, response)
        switch error.code {
        case .invalidArgument:
            break
        case .permissionDenied:
            // Some versions also say so when the stream's token is no longer valid. One new token may help.
            entries[id]?.refusals += 1
            guard entry.refusals > 0 else {
                error.code = .unauthenticated
                return Effects(restart: error)
            }
        default:
            return Effects(restart: error)
        }
        entries[id] = nil
        entry.buffer.finish(error)
        return Effects()
    }

    private func refusal(of range: KeyRange, _ response: WireWatchResponse) -> EtcdError {
        let reason = response.cancelReason
        // A gRPC proxy refuses the creation of a watch without a reason. It does so when the user may not read the
        // keys.
        let isSilent = reason.isEmpty && response.created
        let code = isSilent ? .permissionDenied : EtcdError.code(ofReason: reason) ?? .unavailable
        var message = "etcd ended a watch of \(range.text): \(reason.isEmpty ? "no reason given" : reason)"
        if code == .permissionDenied { message += Refusal(user: user, keys: [range]).text }
        return EtcdError(code: code, message: message)
    }
}
