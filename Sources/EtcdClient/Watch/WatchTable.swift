#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif
internal import DequeModule
internal import SwiftProtobuf

/// The watches of a client, and what is said about them on the stream.
///
/// A watch has a number of its own, and on the stream another one, which is new each time it is created there: etcd may
/// still speak of an old one.
struct WatchTable {
    /// What there is to do after a change.
    struct Effects {
        /// Buffers with something new in them.
        var woken: [WatchBuffer] = []
        /// The stream has to be made anew, for this reason.
        var restart: EtcdError?
    }

    private enum Phase {
        /// It is to be created on the next stream.
        case waiting
        case requested(Int64)
        case active(Int64)
        /// The reader is behind.
        case suspended
    }

    private enum Link {
        case new, connected, interrupted
    }

    private struct Entry {
        let range: KeyRange
        let options: WatchOptions
        let buffer: WatchBuffer
        /// The first revision that the reader has not been told of; zero before it is known.
        var next: Revision
        var phase = Phase.waiting
        /// Events of a revision that more may belong to.
        var partial: [WireEvent] = []
        /// What the reader was told of the stream last.
        var link = Link.new
        /// How often etcd did not let the client watch, in a row.
        var refusals = 0
    }

    private let namespace: Namespace
    private var entries: [Int: Entry] = [:]
    private var numbers: [Int64: Int] = [:]
    private var lastNumber: Int64 = 0
    private var lastID = 0
    /// The requests that etcd has not answered, the oldest first: it answers in their order.
    private var unanswered = Deque<(number: Int64, sent: ContinuousClock.Instant)>()
    private var outbox = Deque<WireWatchRequest>()
    private var isConnected = false
    private var isClosed = false
    /// The store that the watches are of.
    private var cluster: UInt64?

    init(_ namespace: Namespace) {
        self.namespace = namespace
    }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    // MARK: - The readers' side

    mutating func nextID() -> Int {
        lastID += 1
        return lastID
    }

    /// - Parameter range: The keys, with the client's namespace.
    /// - Returns: Whether it was taken; after ``close()`` it is not.
    mutating func add(_ id: Int, _ range: KeyRange, _ options: WatchOptions, _ buffer: WatchBuffer) -> Bool {
        if isClosed { return false }
        entries[id] = Entry(range: range, options: options, buffer: buffer, next: options.from ?? 0)
        if isConnected { create(id) }
        return true
    }

    mutating func remove(_ id: Int) {
        cancel(id)
        entries[id] = nil
    }

    /// The reader of a suspended watch has caught up.
    mutating func resume(_ id: Int) {
        guard case .suspended? = entries[id]?.phase else { return }
        entries[id]?.phase = .waiting
        if isConnected { create(id) }
    }

    /// Ends all, for good.
    mutating func close() -> [WatchBuffer] {
        isClosed = true
        defer {
            entries = [:]
            numbers = [:]
            outbox = []
        }
        return entries.values.map(\.buffer)
    }

    // MARK: - The stream's side

    /// Where the watches begin that know of a revision, which the store is to be compared with before they go on.
    var knownKeys: Set<[UInt8]> {
        Set(entries.values.lazy.filter { $0.next > 0 }.map(\.range.start))
    }

    /// The store is at this revision; watches that know of a later one are of another store.
    ///
    /// - Returns: The buffers of those, to be finished with `storeReset`.
    mutating func verify(cluster: UInt64, revision: Revision) -> [WatchBuffer] {
        defer { self.cluster = cluster }
        let isOther = self.cluster.map { $0 != cluster } ?? false
        let lost = entries.filter { $0.value.next > 0 && (isOther || $0.value.next > revision + 1) }
        for id in lost.keys { entries[id] = nil }
        return lost.values.map(\.buffer)
    }

    /// There is a stream: all watches are created on it.
    mutating func connected() {
        isConnected = true
        numbers = [:]
        outbox = []
        unanswered = []
        for id in entries.keys.sorted() {
            if case .suspended? = entries[id]?.phase { continue }
            create(id)
        }
    }

    /// The stream is gone.
    ///
    /// - Parameter error: Why; `nil` if there was no watch left for it.
    mutating func disconnected(_ error: EtcdError?) -> Effects {
        var effects = Effects()
        isConnected = false
        numbers = [:]
        outbox = []
        unanswered = []
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

    /// What is to be sent next.
    mutating func takeRequest() -> WireWatchRequest? { outbox.popFirst() }

    /// When the request was made that etcd has not answered for the longest time.
    var oldestUnanswered: ContinuousClock.Instant? { unanswered.first?.sent }

    private mutating func create(_ id: Int) {
        guard let entry = entries[id] else { return }
        lastNumber += 1
        let number = lastNumber
        entries[id]?.phase = .requested(number)
        entries[id]?.partial = []
        numbers[number] = id
        unanswered.append((number, .now))
        outbox.append(
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
        )
    }

    /// Has etcd forget a watch.
    private mutating func cancel(_ id: Int) {
        switch entries[id]?.phase {
        case .requested(let number), .active(let number):
            numbers[number] = nil
            outbox.append(.with { $0.cancelRequest = .with { $0.watchID = number } })
        case .waiting, .suspended, .none:
            break
        }
    }

    // MARK: - What etcd says

    mutating func receive(_ response: WireWatchResponse) -> Effects {
        var number = response.watchID
        if response.created, let oldest = unanswered.popFirst() {
            // A refusal need not name the watch.
            number = oldest.number
        }
        guard let id = numbers[number], entries[id] != nil else { return Effects() }
        if response.canceled { return canceled(id, response) }
        if response.created { return created(id, number, response) }
        if response.events.isEmpty { return progressed(id, response) }
        return happened(id, response)
    }

    private mutating func created(_ id: Int, _ number: Int64, _ response: WireWatchResponse) -> Effects {
        guard let entry = entries[id] else { return Effects() }
        if entry.next == 0 { entries[id]?.next = response.header.revision + 1 }
        cluster = cluster ?? response.header.clusterID
        entries[id]?.phase = .active(number)
        entries[id]?.refusals = 0
        // A reader that was slow has not lost its connection.
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
        // What was told before, by a stream that is gone, is not told again.
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
            remove(id)
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
        var error = EtcdError(
            code: EtcdError.code(ofReason: response.cancelReason) ?? .unavailable,
            message: "etcd ended a watch: \(response.cancelReason.isEmpty ? "no reason given" : response.cancelReason)"
        )
        switch error.code {
        case .invalidArgument:
            break
        case .permissionDenied:
            // Some versions say so too when the token of the stream is not valid any more: once, a new one may help.
            entries[id]?.refusals += 1
            guard entry.refusals > 0 else {
                error.code = .unauthenticated
                return Effects(restart: error)
            }
        default:
            return Effects(restart: error)
        }
        remove(id)
        entry.buffer.finish(error)
        return Effects()
    }
}
