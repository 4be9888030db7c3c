/// The keys of a map or an object so far. They stand in a text that grows and keeps its beginning.
struct KeySet {
    private var keys: [Range<Int>] = []
    /// The index of a key, by its hash; filled when there are more than a few keys. Two keys with one hash have one after
    /// the other.
    private var indexByHash: [Int: Int] = [:]

    /// Adds a key, given by its place in the text. Returns whether it is new.
    mutating func insert(_ key: Range<Int>, in text: UnsafePointer<UInt8>) -> Bool {
        if keys.count < 8 {
            for other in keys where Self.areEqual(key, other, text) { return false }
        } else {
            if keys.count == 8, indexByHash.isEmpty {
                for other in keys.indices { _ = index(keys[other], other, text) }
            }
            if !index(key, keys.count, text) { return false }
        }
        keys.append(key)
        return true
    }

    private mutating func index(_ key: Range<Int>, _ index: Int, _ text: UnsafePointer<UInt8>) -> Bool {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(start: text + key.lowerBound, count: key.count))
        var hash = hasher.finalize()
        while let other = indexByHash[hash] {
            if Self.areEqual(key, keys[other], text) { return false }
            hash &+= 1
        }
        indexByHash[hash] = index
        return true
    }

    private static func areEqual(_ one: Range<Int>, _ other: Range<Int>, _ text: UnsafePointer<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        for index in 0..<one.count where text[one.lowerBound + index] != text[other.lowerBound + index] { return false }
        return true
    }
}
