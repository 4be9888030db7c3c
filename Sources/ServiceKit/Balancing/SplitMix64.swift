/// A generator of random numbers: a counter, and a function that mixes its bits. The same seed gives the same numbers, in
/// every process.
///
/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014. Not for secrets. The system's generator
/// can cost a system call for each number, which is more than all the rest of a pick.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    /// The counter's step: 2⁶⁴ ÷ the golden ratio.
    static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    private var counter: UInt64

    /// Starts at a seed; anywhere by default.
    package init(seed: UInt64 = .random(in: 0 ... .max)) {
        counter = seed
    }

    package mutating func next() -> UInt64 {
        counter &+= Self.step
        return KeyHash.mix(counter)
    }

    /// A number from 0 up to, but not including, a bound.
    ///
    /// Some numbers are more likely than others by `bound / 2⁶⁴`, too little to be noticed.
    package mutating func next(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number from 0 up to, but not including, 1.
    package mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
