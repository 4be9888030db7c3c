/// A small generator with a seed: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
/// 2014).
struct SoakRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    /// Whether an event happens that comes once in `count` times.
    mutating func oneIn(_ count: Int) -> Bool {
        Int.random(in: 0..<count, using: &self) == 0
    }

    /// Mostly small, sometimes large.
    mutating func size() -> Int {
        switch Int.random(in: 0..<20, using: &self) {
        case 0: 0
        case 1..<15: Int.random(in: 1...2_000, using: &self)
        case 15..<19: Int.random(in: 1...100_000, using: &self)
        default: Int.random(in: 1...1_500_000, using: &self)
        }
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        let start = Int.random(in: 0..<256, using: &self)
        return Array(Self.pattern[start..<start + count])
    }

    /// Bytes of any length up to the largest request, and a place to begin at.
    private static let pattern = [UInt8](unsafeUninitializedCapacity: 1_600_000) { buffer, count in
        while count < buffer.count {
            buffer[count] = UInt8(truncatingIfNeeded: count ^ count >> 8)
            count += 1
        }
    }
}
