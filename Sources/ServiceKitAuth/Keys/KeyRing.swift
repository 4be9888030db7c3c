internal import JWTKit

/// The keys in force: those of the last good set, and those before it for a time. A value without a clock: times are given,
/// since any origin.
struct KeyRing: Sendable {
    private struct Retired {
        let key: KeySet.Key
        let until: Duration
    }

    /// The keys that are tried for a token that names none. Each costs a check.
    private static let maxTries = 4

    private var keys: [KeySet.Key] = []
    private var retired: [Retired] = []
    private var lastFetch: Duration?

    /// Whether there has been a set.
    var isEmpty: Bool { keys.isEmpty }

    /// Takes a new set over. Keys that it no longer has are accepted for a time.
    mutating func replace(with set: KeySet, at now: Duration, grace: Duration) {
        let materials = Set(set.keys.map(\.material))
        retired.removeAll { $0.until <= now || materials.contains($0.key.material) }
        let gone = keys.filter { !materials.contains($0.material) }
        // The latest first: a source that changes its keys all the time makes no list without end.
        retired = Array((gone.map { Retired(key: $0, until: now + grace) } + retired).prefix(KeySet.maxKeys))
        keys = set.keys
    }

    /// The keys that a token can be signed with: those of its id, or for a token without one, and for keys without one, the
    /// first few.
    func candidates(_ id: String?, _ algorithm: TokenAlgorithm, at now: Duration) -> [any JWTAlgorithm] {
        let all = keys + retired.lazy.filter { $0.until > now }.map(\.key)
        let named = all.filter { id == nil || $0.id == id || $0.id == nil }
        return Array(named.lazy.compactMap { $0.algorithms[algorithm] }.prefix(Self.maxTries))
    }

    /// Whether the source may be asked once more for the sake of a token whose key is not known.
    mutating func mayFetch(at now: Duration, interval: Duration) -> Bool {
        if let lastFetch, now < lastFetch + interval { return false }
        lastFetch = now
        return true
    }

    /// The source is being asked anyway.
    mutating func fetches(at now: Duration) {
        lastFetch = now
    }
}
