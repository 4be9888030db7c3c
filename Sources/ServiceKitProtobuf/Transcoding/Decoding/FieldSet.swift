/// The fields and oneofs of a message that have occurred.
struct FieldSet {
    private var bits: UInt64 = 0
    /// The bits from the 65th on; empty for messages with few fields.
    private var others: [UInt64]

    /// A set for numbers below `count`.
    init(count: Int) {
        others = count > 64 ? Array(repeating: 0, count: (count - 1) / 64) : []
    }

    /// Adds a number. Returns whether it is new.
    @inline(__always) mutating func insert(_ number: Int) -> Bool {
        let bit: UInt64 = 1 << UInt64(number & 63)
        if number < 64 {
            defer { bits |= bit }
            return bits & bit == 0
        }
        defer { others[number / 64 - 1] |= bit }
        return others[number / 64 - 1] & bit == 0
    }
}
