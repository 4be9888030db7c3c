import NIOCore

/// The look-ups of a `NameResolver`. Its functions are the transitions; they return the actions, which the resolver does
/// outside of the lock.
///
/// | look-up | event | look-up | effect |
/// |---|---|---|---|
/// | none | a caller asks, a thread is free | running | look the name up |
/// | none | a caller asks, no thread is free | queued | |
/// | none | a caller asks, the queue is full | none | the caller is refused |
/// | queued, running | a caller asks | the same | the caller waits, too |
/// | queued | the last caller gives up | none | |
/// | running | a caller gives up | running | |
/// | queued | a thread is free, by pace | running | look the name up |
/// | running | it has ended | none | the callers get the result |
///
/// A name is looked up once at a time, however many ask. When threads get scarce, names whose last look-up was slow are the
/// first to wait for one, and names whose last look-up was fast the last.
struct NameLookups<Waiter: Sendable>: Sendable {
    /// How a name's last look-up went: the slower, the fewer of the threads it may take.
    private enum Pace: Int, CaseIterable {
        case slow, unknown, fast
    }

    private struct Lookup {
        var waiters: [Int: Waiter] = [:]
        /// `nil` while it waits for a thread.
        var startedAt: NIODeadline?
    }

    private let maxThreads: Int
    private let maxQueued: Int
    private let slowAfter: Duration
    private var lookups: [String: Lookup] = [:]
    /// The names that wait for a thread, by their paces, in the order in which they came.
    private var queues: [[String]] = Pace.allCases.map { _ in [] }
    private var paces: [String: Pace] = [:]
    private var lastID = 0
    /// How many threads are taken.
    private(set) var running = 0

    /// How many names are remembered as fast or slow.
    private static var maxPaces: Int { 10_000 }

    /// - Parameters:
    ///   - maxThreads: How many look-ups are under way at a time, each on a thread.
    ///   - maxQueued: How many names wait for a thread.
    ///   - slowAfter: How long a look-up may take to count as fast.
    init(maxThreads: Int, maxQueued: Int, slowAfter: Duration) {
        self.maxThreads = maxThreads
        self.maxQueued = maxQueued
        self.slowAfter = slowAfter
    }

    /// The answer for a task that asks.
    enum Answer {
        /// Look the name up; the asker waits under this number.
        case lookUp(id: Int)
        /// The asker waits under this number.
        case wait(id: Int)
        case refused(NameLookupError)
    }

    /// How many names wait for a thread.
    var queued: Int { queues.reduce(0) { $0 + $1.count } }

    /// A caller asks for a name.
    mutating func add(_ waiter: Waiter, for name: String, at now: NIODeadline) -> Answer {
        let isNew = lookups[name] == nil
        let pace = paces[name] ?? .unknown
        let begins = isNew && (Self.isLocal(name) || running < threads(for: pace))
        if isNew, !begins {
            guard queued < maxQueued else { return .refused(.queueFull(name: name, limit: maxQueued)) }
            queues[pace.rawValue].append(name)
        }
        lastID += 1
        lookups[name, default: Lookup()].waiters[lastID] = waiter
        guard begins else { return .wait(id: lastID) }
        begin(name, at: now)
        return .lookUp(id: lastID)
    }

    /// A caller waits no longer.
    ///
    /// - Returns: The waiter, unless it has been told, and whether the look-up has not begun.
    mutating func remove(_ id: Int, from name: String) -> (waiter: Waiter, isQueued: Bool)? {
        guard let waiter = lookups[name]?.waiters.removeValue(forKey: id) else { return nil }
        let isQueued = lookups[name]?.startedAt == nil
        if isQueued, lookups[name]?.waiters.isEmpty == true {
            lookups[name] = nil
            for pace in Pace.allCases { queues[pace.rawValue].removeAll { $0 == name } }
        }
        return (waiter, isQueued)
    }

    /// A look-up has ended.
    ///
    /// - Returns: The waiters to tell, and the names to look up now.
    mutating func finished(_ name: String, at now: NIODeadline) -> (waiters: [Waiter], next: [String]) {
        guard let lookup = lookups.removeValue(forKey: name), let startedAt = lookup.startedAt else {
            return ([], [])
        }
        if paces.count >= Self.maxPaces { paces.removeAll() }
        paces[name] = Duration(now - startedAt) < slowAfter ? .fast : .slow
        if !Self.isLocal(name) { running -= 1 }
        var next: [String] = []
        for pace in Pace.allCases.reversed() {
            while !queues[pace.rawValue].isEmpty, running < threads(for: pace) {
                let name = queues[pace.rawValue].removeFirst()
                begin(name, at: now)
                next.append(name)
            }
        }
        return (Array(lookup.waiters.values), next)
    }

    private mutating func begin(_ name: String, at now: NIODeadline) {
        lookups[name]?.startedAt = now
        if !Self.isLocal(name) { running += 1 }
    }

    /// Up to how many threads may be taken when a look-up begins.
    private func threads(for pace: Pace) -> Int {
        switch pace {
        case .slow: max(1, maxThreads / 2)
        case .unknown: max(1, maxThreads * 3 / 4)
        case .fast: maxThreads
        }
    }

    /// Whether no name server is asked: it has a thread beside the others and never waits for one.
    private static func isLocal(_ name: String) -> Bool { name == "localhost" }
}
