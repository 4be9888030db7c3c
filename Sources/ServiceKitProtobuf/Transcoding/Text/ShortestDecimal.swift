/// The shortest decimal number that reads back as a `Double`; of several the nearest. The algorithm is Schubfach (Raffaello
/// Giulietti, "The Schubfach way to render doubles", 2020).
struct ShortestDecimal {
    /// The digits as an integer, without zeros at the end.
    private(set) var digits: UInt64
    /// The power of ten that the digits are multiplied with.
    private(set) var exponent: Int

    /// - Parameter value: A number that is finite and not zero. Its sign does not count.
    init(_ value: Double) {
        // Most numbers that people write have few decimals. No two numbers of up to 15 digits read back as one.
        if value.magnitude < 1e9 {
            let millionths = Int64(value.magnitude * 1e6 + 0.5)
            if Double(millionths) / 1e6 == value.magnitude {
                (digits, exponent) = (UInt64(millionths), -6)
                removeZeros()
                return
            }
        }
        let fraction = value.significandBitPattern
        let biased = Int(value.exponentBitPattern)
        // The value is the significand times a power of two.
        let significand = biased == 0 ? fraction : fraction | 1 << 52
        let power = max(biased, 1) - 1075
        // The next smaller number is nearer than the next greater one.
        let isCloser = fraction == 0 && biased > 1

        // The powers of ten: 10^k is just below the distance to the next numbers.
        let k = (power * 1_262_611 - (isCloser ? 524_031 : 0)) >> 22
        let shift = UInt64(power + ((-k * 1_741_647) >> 19) + 1)
        let ten = PowersOfTen.shared[-k]
        // Four times the value in units of 10^k, and the bounds of the numbers that read back as it.
        let middle = ten.product((significand << 2) << shift)
        let below = ten.product(((significand << 2) - (isCloser ? 1 : 2)) << shift)
        let above = ten.product(((significand << 2) + 2) << shift)
        // A number on a bound reads back as the even significand.
        let lower = below + (significand & 1)
        let upper = above - (significand & 1)

        let whole = middle >> 2
        let tens = whole / 10
        let tensFit = (lower <= tens * 40, tens * 40 + 40 <= upper)
        if whole >= 10, tensFit.0 != tensFit.1 {
            (digits, exponent) = (tensFit.1 ? tens + 1 : tens, k + 1)
        } else {
            let wholeFits = (lower <= whole << 2, whole << 2 + 4 <= upper)
            let half = whole << 2 + 2
            let isUp =
                wholeFits.0 != wholeFits.1 ? wholeFits.1 : middle > half || middle == half && whole & 1 == 1
            (digits, exponent) = (isUp ? whole + 1 : whole, k)
        }
        removeZeros()
    }

    private mutating func removeZeros() {
        guard digits % 10 == 0 else { return }
        removeZeros(8, 100_000_000)
        removeZeros(8, 100_000_000)
        removeZeros(4, 10_000)
        removeZeros(2, 100)
        removeZeros(1, 10)
    }

    /// Takes a number of zeros from the end, if they are there.
    @inline(__always) private mutating func removeZeros(_ count: Int, _ power: UInt64) {
        let (rest, remainder) = digits.quotientAndRemainder(dividingBy: power)
        guard remainder == 0 else { return }
        digits = rest
        exponent += count
    }
}

/// The first 128 bits of powers of ten, rounded up.
private struct PowersOfTen {
    struct Power {
        var high: UInt64
        var low: UInt64

        /// The highest 64 bits of the product of 192 bits. The last bit is also set if the bits behind it are not zero.
        @inline(__always) func product(_ factor: UInt64) -> UInt64 {
            let lower = low.multipliedFullWidth(by: factor).high
            let upper = high.multipliedFullWidth(by: factor)
            let (middle, isCarried) = upper.low.addingReportingOverflow(lower)
            // The power was rounded up, so a 1 in the middle may be nothing.
            return (upper.high &+ (isCarried ? 1 : 0)) | (middle > 1 ? 1 : 0)
        }
    }

    static let shared = PowersOfTen()

    /// The exponents that a `Double` needs.
    private static let range = -292...324

    private let powers: [Power]

    @inline(__always) subscript(_ exponent: Int) -> Power { powers[exponent - Self.range.lowerBound] }

    private init() {
        var powers = [Power](repeating: Power(high: 0, low: 0), count: Self.range.count)
        // 10^n has the bits of 5^n. The numbers are in words of 32 bits, the lowest first.
        var number: [UInt64] = [1]
        for exponent in 0...Self.range.upperBound {
            powers[exponent - Self.range.lowerBound] = Self.firstBits(of: number, isRounded: false)
            var carry: UInt64 = 0
            for index in number.indices {
                let product = number[index] * 5 + carry
                number[index] = product & 0xFFFF_FFFF
                carry = product >> 32
            }
            if carry > 0 { number.append(carry) }
        }
        // 10^-n has the bits of 2^896 / 5^n, which has more than 128 of them.
        number = [UInt64](repeating: 0, count: 28) + [1]
        for exponent in 1...(-Self.range.lowerBound) {
            var remainder: UInt64 = 0
            for index in number.indices.reversed() {
                let dividend = remainder << 32 | number[index]
                number[index] = dividend / 5
                remainder = dividend % 5
            }
            powers[-exponent - Self.range.lowerBound] = Self.firstBits(of: number, isRounded: true)
        }
        self.powers = powers
    }

    /// The first 128 bits of a number, the highest of them set.
    ///
    /// - Parameter isRounded: Whether digits behind the number are missing.
    private static func firstBits(of number: [UInt64], isRounded: Bool) -> Power {
        let words = Array(number.reversed().drop { $0 == 0 })
        func word(_ index: Int) -> UInt64 { index < words.count ? words[index] : 0 }
        // The highest word may begin with zeros, so that a part of the fifth word counts.
        let shift = UInt64(word(0).leadingZeroBitCount - 32)
        func bits(_ index: Int) -> UInt64 {
            (word(index) << shift | word(index + 1) >> (32 - shift)) & 0xFFFF_FFFF
        }
        var power = Power(high: bits(0) << 32 | bits(1), low: bits(2) << 32 | bits(3))
        let isMore = isRounded || word(4) << shift & 0xFFFF_FFFF != 0 || words.dropFirst(5).contains { $0 != 0 }
        if isMore {
            power.low &+= 1
            if power.low == 0 { power.high &+= 1 }
        }
        return power
    }
}
