/// A token bucket for each of a bounded number of keys.
///
/// A bucket is full at first. A call takes one token, and is refused when there is none; tokens come at a rate. Buckets are
/// kept in two generations: a key that is used moves to the young one; when that has half of the keys, it becomes the old one,
/// and the buckets that were old are forgotten. So nobody's bucket is searched for, and a forgotten key begins with a full
/// bucket.
///
/// All times are in nanoseconds from any origin.
struct TokenBuckets: Sendable {
    fileprivate struct Bucket {
        var tokens: Double
        var filledAt: UInt64
    }

    /// Keys are kept as hashes: a name from a caller may be long. The seed is the process's own, so that callers cannot make
    /// two keys meet.
    private var young: [Int: Bucket] = [:]
    private var old: [Int: Bucket] = [:]

    /// The keys that are known.
    var count: Int { young.count + old.count }

    /// Takes a token.
    ///
    /// - Returns: Whether there was one.
    mutating func take(_ key: Int, at now: UInt64, rate: Double, burst: Int, maxKeys: Int) -> Bool {
        if young[key] == nil { rejuvenate(key, at: now, burst: burst, maxKeys: maxKeys) }
        return young[key]?.take(at: now, rate: rate, burst: Double(burst)) ?? false
    }

    /// Whether there is no token. A key that is not known has a full bucket.
    mutating func isEmpty(_ key: Int, at now: UInt64, rate: Double, burst: Int, maxKeys: Int) -> Bool {
        if young[key] == nil {
            if old[key] == nil { return false }
            rejuvenate(key, at: now, burst: burst, maxKeys: maxKeys)
        }
        return young[key].map { $0.tokens(at: now, rate: rate, burst: Double(burst)) < 1 } ?? false
    }

    /// Moves a key to the young buckets, with a full bucket if it is not known.
    private mutating func rejuvenate(_ key: Int, at now: UInt64, burst: Int, maxKeys: Int) {
        if young.count >= max(1, maxKeys / 2) {
            old = young
            young = [:]
        }
        young[key] = old.removeValue(forKey: key) ?? Bucket(tokens: Double(burst), filledAt: now)
    }
}

extension TokenBuckets.Bucket {
    fileprivate func tokens(at now: UInt64, rate: Double, burst: Double) -> Double {
        // Times are taken before the lock, so that another task's may be a little later.
        let elapsed = now > filledAt ? Double(now - filledAt) / 1e9 : 0
        return min(burst, tokens + elapsed * rate)
    }

    fileprivate mutating func take(at now: UInt64, rate: Double, burst: Double) -> Bool {
        tokens = tokens(at: now, rate: rate, burst: burst)
        filledAt = max(filledAt, now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
