import Glibc
import ServiceKitHTTP2

/// Values by the path of a method, found by the bytes of a request: no string is made of them.
struct PathTable<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        let path: String
        let value: Value
    }

    /// By the last bits of the hash, then in the next free slots. At most half of them are taken.
    private var slots: [Entry?]

    init(_ values: [String: Value]) {
        var size = 2
        while size < 2 * values.count { size *= 2 }
        slots = Array(repeating: nil, count: size)
        for (path, value) in values {
            var index = Int(truncatingIfNeeded: path.withBytes(Self.hash)) & (size - 1)
            while slots[index] != nil { index = (index + 1) & (size - 1) }
            slots[index] = Entry(path: path, value: value)
        }
    }

    /// The path as a string, and its value.
    func find(_ path: UnsafeBufferPointer<UInt8>) -> (path: String, value: Value)? {
        var index = Int(truncatingIfNeeded: Self.hash(path)) & (slots.count - 1)
        while let entry = slots[index] {
            if entry.path.withBytes({ $0.isSame(as: path) }) {
                return (entry.path, entry.value)
            }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    /// FNV-1a of the last bytes, in which the methods of a service differ, and of the length. Callers cannot fill the table with
    /// paths of their own, so that it needs no seed.
    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(truncatingIfNeeded: bytes.count)
        for byte in bytes.suffix(12) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash ^ (hash >> 32)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether the bytes are the same.
    func isSame(as other: UnsafeBufferPointer<UInt8>) -> Bool {
        guard count == other.count, let start = baseAddress, let otherStart = other.baseAddress else {
            return count == other.count
        }
        return memcmp(start, otherStart, count) == 0
    }
}
