import NIOCore

/// The look-ups of a `NameResolver`: which are under way, which wait for a thread, and who waits for them. Its functions
/// are the transitions; what they return is to be done outside of the lock that it is kept under.
///
/// A name is looked up once at a time, whoever asks. When threads get scarce, names whose last look-up was slow are the
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
    var queued: Int { self.queues.reduce(0) { $0 + $1.count } }

    /// Somebody asks for a name.
    mutating func add(_ waiter: Waiter, for name: String, at now: NIODeadline) -> Answer {
        let isNew = self.lookups[name] == nil
        let pace = self.paces[name] ?? .unknown
        let begins = isNew && (Self.isLocal(name) || self.running < self.threads(for: pace))
        if isNew, !begins {
            guard self.queued < self.maxQueued else { return .refused(.queueFull(name: name, limit: self.maxQueued)) }
            self.queues[pace.rawValue].append(name)
        }
        self.lastID += 1
        self.lookups[name, default: Lookup()].waiters[self.lastID] = waiter
        guard begins else { return .wait(id: self.lastID) }
        self.begin(name, at: now)
        return .lookUp(id: self.lastID)
    }

    /// Somebody waits no longer.
    ///
    /// - Returns: The waiter, unless it has been told, and whether the look-up has not begun.
    mutating func remove(_ id: Int, from name: String) -> (waiter: Waiter, isQueued: Bool)? {
        guard let waiter = self.lookups[name]?.waiters.removeValue(forKey: id) else { return nil }
        let isQueued = self.lookups[name]?.startedAt == nil
        if isQueued, self.lookups[name]?.waiters.isEmpty == true {
            self.lookups[name] = nil
            for pace in Pace.allCases { self.queues[pace.rawValue].removeAll { $0 == name } }
        }
        return (waiter, isQueued)
    }

    /// A look-up has ended.
    ///
    /// - Returns: The waiters to tell, and the names to look up now.
    mutating func finished(_ name: String, at now: NIODeadline) -> (waiters: [Waiter], next: [String]) {
        guard let lookup = self.lookups.removeValue(forKey: name), let startedAt = lookup.startedAt else {
            return ([], [])
        }
        if self.paces.count >= Self.maxPaces { self.paces.removeAll() }
        self.paces[name] = Duration(now - startedAt) < self.slowAfter ? .fast : .slow
        if !Self.isLocal(name) { self.running -= 1 }
        var next: [String] = []
        for pace in Pace.allCases.reversed() {
            while !self.queues[pace.rawValue].isEmpty, self.running < self.threads(for: pace) {
                let name = self.queues[pace.rawValue].removeFirst()
                self.begin(name, at: now)
                next.append(name)
            }
        }
        return (Array(lookup.waiters.values), next)
    }

    private mutating func begin(_ name: String, at now: NIODeadline) {
        self.lookups[name]?.startedAt = now
        if !Self.isLocal(name) { self.running += 1 }
    }

    /// Up to how many threads may be taken when a look-up begins.
    private func threads(for pace: Pace) -> Int {
        switch pace {
        case .slow: max(1, self.maxThreads / 2)
        case .unknown: max(1, self.maxThreads * 3 / 4)
        case .fast: self.maxThreads
        }
    }

    /// Whether no name server is asked: it has a thread beside the others and never waits for one.
    private static func isLocal(_ name: String) -> Bool { name == "localhost" }
}
