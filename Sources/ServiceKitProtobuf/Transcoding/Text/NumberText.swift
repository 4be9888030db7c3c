// Numbers as JSON has them.

extension ByteSink {
    @inline(__always) mutating func number(_ value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        number(value.magnitude)
    }

    @inline(__always) mutating func number(_ value: UInt64) {
        if value < 10 {
            append(0x30 + UInt8(truncatingIfNeeded: value))
        } else {
            digits(value)
        }
    }

    private mutating func digits(_ value: UInt64) {
        reserve(20)
        let count = Self.digitCount(value)
        write(20) { start in
            Self.put(value, endingAt: start + count)
            return count
        }
    }

    /// Writes the digits of a number before a place.
    @inline(__always) private static func put(_ value: UInt64, endingAt end: UnsafeMutablePointer<UInt8>) {
        var value = value
        var end = end
        // Digits that do not wait for each other.
        while value >= 100_000_000 {
            let (rest, part) = value.quotientAndRemainder(dividingBy: 100_000_000)
            let (high, low) = UInt32(truncatingIfNeeded: part).quotientAndRemainder(dividingBy: 10_000)
            end -= 8
            putPair(high / 100, at: end)
            putPair(high % 100, at: end + 2)
            putPair(low / 100, at: end + 4)
            putPair(low % 100, at: end + 6)
            value = rest
        }
        var rest = UInt32(truncatingIfNeeded: value)
        while rest >= 100 {
            end -= 2
            putPair(rest % 100, at: end)
            rest /= 100
        }
        if rest >= 10 { putPair(rest, at: end - 2) } else { end[-1] = 0x30 + UInt8(truncatingIfNeeded: rest) }
    }

    /// Writes the two digits of a number below 100.
    @inline(__always) private static func putPair(_ pair: UInt32, at start: UnsafeMutablePointer<UInt8>) {
        start[0] = 0x30 + UInt8(truncatingIfNeeded: pair / 10)
        start[1] = 0x30 + UInt8(truncatingIfNeeded: pair % 10)
    }

    private static func digitCount(_ value: UInt64) -> Int {
        // 1233 / 4096 is a little more than the digits of a bit.
        let guess = ((64 - (value | 1).leadingZeroBitCount) * 1233) >> 12
        return value >= tens[guess] ? guess + 1 : max(guess, 1)
    }

    /// The powers of ten that 64 bits can have.
    private static let tens: [UInt64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]

    /// Writes digits with zeros before them, up to a width.
    mutating func padded(_ value: Int, width: Int) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        var rest = value
        for _ in 0..<width {
            append(0x30 + UInt8(truncatingIfNeeded: rest / divisor % 10))
            rest %= divisor
            divisor = max(divisor / 10, 1)
        }
    }

    /// Writes the shortest number that reads back the same, or a string if the number is not finite.
    mutating func number(_ value: Double) {
        // An integer that a Double has exactly needs no search for its shortest form.
        if value.magnitude < 0x1p53, Double(Int64(value)) == value, value != 0 || value.sign == .plus {
            number(Int64(value))
        } else {
            fraction(value)
        }
    }

    private mutating func fraction(_ value: Double) {
        guard value.isFinite, value != 0 else { return fraction(value.description, isFinite: value.isFinite) }
        if value < 0 { append(UInt8(ascii: "-")) }
        let decimal = ShortestDecimal(value)
        // Room for 17 digits and an exponent, or for zeros around them.
        write(40) { start in
            let count = Self.digitCount(decimal.digits)
            // The power of ten of the first digit.
            let power = count + decimal.exponent - 1
            if power < -4 || value.magnitude > 0x1p53 {
                return Self.exponential(decimal.digits, count, power, start)
            }
            if power < 0 {
                (start[0], start[1]) = (0x30, UInt8(ascii: "."))
                for index in 1..<(-power) { start[index + 1] = 0x30 }
                Self.put(decimal.digits, endingAt: start + count + 1 - power)
                return count + 1 - power
            }
            if decimal.exponent >= 0 {
                Self.put(decimal.digits, endingAt: start + count)
                for index in count..<(count + decimal.exponent) { start[index] = 0x30 }
                return count + decimal.exponent
            }
            // The digits before the point move to the left of it.
            Self.put(decimal.digits, endingAt: start + count + 1)
            for index in 0...power { start[index] = start[index + 1] }
            start[power + 1] = UInt8(ascii: ".")
            return count + 1
        }
    }

    /// Writes digits with a power of ten: `1.5e-07`.
    private static func exponential(
        _ digits: UInt64, _ count: Int, _ power: Int, _ start: UnsafeMutablePointer<UInt8>
    ) -> Int {
        put(digits, endingAt: start + count + 1)
        start[0] = start[1]
        start[1] = UInt8(ascii: ".")
        var end = count > 1 ? count + 1 : 1
        start[end] = UInt8(ascii: "e")
        start[end + 1] = power < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
        end += 2
        // At least two digits, as Swift prints them.
        if power.magnitude < 10 {
            start[end] = 0x30
            end += 1
        }
        let length = digitCount(UInt64(power.magnitude))
        put(UInt64(power.magnitude), endingAt: start + end + length)
        return end + length
    }

    mutating func number(_ value: Float) {
        if value.magnitude < 0x1p24, value == value.rounded(.towardZero), value != 0 || value.sign == .plus {
            number(Int64(value))
        } else {
            fraction(value.description, isFinite: value.isFinite)
        }
    }

    private mutating func fraction(_ text: String, isFinite: Bool) {
        guard isFinite else {
            switch text {
            case "inf": append("\"Infinity\"")
            case "-inf": append("\"-Infinity\"")
            default: append("\"NaN\"")
            }
            return
        }
        append(text)
        if count >= 2, base[count - 1] == UInt8(ascii: "0"), base[count - 2] == UInt8(ascii: ".") {
            truncate(to: count - 2)
        }
    }
}

/// A number of JSON (RFC 8259, section 6) as digits and a power of ten.
struct Decimal {
    private(set) var isNegative = false
    /// The digits without zeros at the end.
    private(set) var mantissa: UInt64 = 0
    /// The power of ten that the mantissa is multiplied with.
    private(set) var exponent = 0
    /// Whether the mantissa has all digits.
    private(set) var isExact = true
    private let text: UnsafeBufferPointer<UInt8>

    /// Reads a number at the start of a text, and moves the start behind it; `nil` when there is none.
    init?(_ position: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
        let start = position
        var next = position
        @inline(__always) func digit() -> UInt64? {
            guard next < end, next.pointee &- 0x30 < 10 else { return nil }
            return UInt64(next.pointee &- 0x30)
        }
        if next < end, next.pointee == UInt8(ascii: "-") {
            isNegative = true
            next += 1
        }
        guard let first = digit() else { return nil }
        var zeros = 0
        if first == 0 {
            next += 1
        } else {
            while let value = digit() {
                Self.add(value, &mantissa, &zeros, &isExact)
                next += 1
            }
        }
        var fractionDigits = 0
        if next < end, next.pointee == UInt8(ascii: ".") {
            next += 1
            guard digit() != nil else { return nil }
            while let value = digit() {
                Self.add(value, &mantissa, &zeros, &isExact)
                fractionDigits += 1
                next += 1
            }
        }
        var power = 0
        if next < end, next.pointee | 0x20 == UInt8(ascii: "e") {
            next += 1
            var isDown = false
            if next < end, next.pointee == UInt8(ascii: "+") || next.pointee == UInt8(ascii: "-") {
                isDown = next.pointee == UInt8(ascii: "-")
                next += 1
            }
            guard digit() != nil else { return nil }
            while let value = digit() {
                // A larger power is out of every range, and must not overflow.
                if power < 1 << 40 { power = power * 10 + Int(value) }
                next += 1
            }
            if isDown { power = -power }
        }
        exponent = mantissa == 0 ? 0 : zeros + power - fractionDigits
        text = UnsafeBufferPointer(start: start, count: next - start)
        position = next
    }

    /// Adds a digit. Zeros wait for the next other digit.
    @inline(__always) private static func add(
        _ digit: UInt64, _ mantissa: inout UInt64, _ zeros: inout Int, _ isExact: inout Bool
    ) {
        if digit == 0 {
            if mantissa != 0 { zeros += 1 }
            return
        }
        guard isExact else { return }
        if mantissa == 0 { zeros = 0 }
        for _ in 0...zeros {
            let (product, overflow) = mantissa.multipliedReportingOverflow(by: 10)
            if overflow {
                isExact = false
                return
            }
            mantissa = product
        }
        zeros = 0
        let (sum, overflow) = mantissa.addingReportingOverflow(digit)
        if overflow { isExact = false } else { mantissa = sum }
    }

    // MARK: - Values

    /// The absolute value as an integer; `nil` if it is none, or needs more than 64 bits.
    var magnitude: UInt64? {
        guard isExact, exponent >= 0 else { return nil }
        if exponent == 0 { return mantissa }
        guard exponent < 20 else { return nil }
        var result = mantissa
        for _ in 0..<exponent {
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            result = product
        }
        return result
    }

    /// The nearest number; `nil` if it is too large.
    var double: Double? {
        if isExact, mantissa < 1 << 53, (-22...22).contains(exponent) {
            // Both are exact, so the result is rounded once (Clinger, 1990).
            let value = Double(mantissa)
            let power = Self.powers[exponent.magnitude]
            let result = exponent < 0 ? value / power : value * power
            return isNegative ? -result : result
        }
        if isExact, mantissa != 0, (-27...27).contains(exponent) {
            let (significand, power, isMore) = scaled
            return Self.rounded(significand, power, isMore, isNegative)
        }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// The nearest number; `nil` if it is too large.
    var float: Float? {
        if isExact, mantissa < 1 << 24, (-10...10).contains(exponent) {
            let value = Float(mantissa)
            let power = Float(Self.powers[exponent.magnitude])
            let result = exponent < 0 ? value / power : value * power
            return isNegative ? -result : result
        }
        guard let value = Float(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    private struct Powers {
        /// A power of ten that a Double has exactly.
        subscript(exponent: UInt) -> Double {
            switch exponent {
            case 0: 1
            case 1: 1e1
            case 2: 1e2
            case 3: 1e3
            case 4: 1e4
            case 5: 1e5
            case 6: 1e6
            case 7: 1e7
            case 8: 1e8
            case 9: 1e9
            case 10: 1e10
            case 11: 1e11
            case 12: 1e12
            case 13: 1e13
            case 14: 1e14
            case 15: 1e15
            case 16: 1e16
            case 17: 1e17
            case 18: 1e18
            case 19: 1e19
            case 20: 1e20
            case 21: 1e21
            default: 1e22
            }
        }
    }

    private static let powers = Powers()

    /// 5^27 is the largest power of five below 2^64.
    private static let fives: [UInt64] = (0...27).map { exponent in (0..<exponent).reduce(1) { power, _ in power * 5 } }

    /// The absolute value as a number with its highest bit set, a power of two, and whether digits follow.
    private var scaled: (significand: UInt64, power: Int, isMore: Bool) {
        let five = Self.fives[Int(exponent.magnitude)]
        let shift = mantissa.leadingZeroBitCount
        let mantissa = mantissa << UInt64(shift)
        if exponent >= 0 {
            let product = mantissa.multipliedFullWidth(by: five)
            if product.high == 0 { return (mantissa, exponent - shift, false) }
            let lead = product.high.leadingZeroBitCount
            let high = lead == 0 ? product.high : product.high << UInt64(lead) | product.low >> UInt64(64 - lead)
            let rest = lead == 0 ? product.low : product.low << UInt64(lead)
            return (high, exponent - shift + 64 - lead, rest != 0)
        }
        let lead = five.leadingZeroBitCount
        let divisor = five << UInt64(lead)
        // The quotient of 128 by 64 bits fits if the upper half is below the divisor.
        let isHalved = mantissa >= divisor
        let high = isHalved ? mantissa >> 1 : mantissa
        let low = isHalved ? mantissa << 63 : 0
        let (quotient, rest) = divisor.dividingFullWidth((high, low))
        return (quotient, exponent - shift + lead - 64 + (isHalved ? 1 : 0), rest != 0)
    }

    /// Rounds to the nearest, ties to even. The number is within the range of Double.
    private static func rounded(_ significand: UInt64, _ power: Int, _ isMore: Bool, _ isNegative: Bool) -> Double {
        var bits = significand >> 11
        var power = power + 11
        let rest = significand & 0x7FF
        if rest > 0x400 || rest == 0x400 && (isMore || bits & 1 == 1) { bits += 1 }
        if bits == 1 << 53 {
            bits >>= 1
            power += 1
        }
        let pattern = UInt64(power + 52 + 1023) << 52 | bits & (1 << 52 - 1)
        return Double(bitPattern: isNegative ? pattern | 1 << 63 : pattern)
    }
}
