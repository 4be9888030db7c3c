// The texts of protobuf's own types.

/// `2024-02-29T12:00:00.500Z` (RFC 3339).
enum Timestamps {
    /// The seconds from the year 1 to 9999.
    static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// Writes a time in UTC. The seconds are in ``range``.
    static func write(_ seconds: Int64, _ nanos: Int32, into out: inout ByteSink) {
        let days = Int(seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400)
        let second = Int(seconds) - days * 86_400
        let (year, month, day) = date(days)
        out.padded(year, width: 4)
        out.append(UInt8(ascii: "-"))
        out.padded(month, width: 2)
        out.append(UInt8(ascii: "-"))
        out.padded(day, width: 2)
        out.append(UInt8(ascii: "T"))
        out.padded(second / 3600, width: 2)
        out.append(UInt8(ascii: ":"))
        out.padded(second / 60 % 60, width: 2)
        out.append(UInt8(ascii: ":"))
        out.padded(second % 60, width: 2)
        writeFraction(Int(nanos), into: &out)
        out.append(UInt8(ascii: "Z"))
    }

    /// Writes 3, 6 or 9 digits, or nothing.
    static func writeFraction(_ nanos: Int, into out: inout ByteSink) {
        if nanos == 0 { return }
        out.append(UInt8(ascii: "."))
        if nanos % 1_000_000 == 0 {
            out.padded(nanos / 1_000_000, width: 3)
        } else if nanos % 1000 == 0 {
            out.padded(nanos / 1000, width: 6)
        } else {
            out.padded(nanos, width: 9)
        }
    }

    /// Reads a time with any offset; `nil` if it is none, or out of range.
    static func read(_ text: UnsafeBufferPointer<UInt8>) -> (seconds: Int64, nanos: Int32)? {
        var scanner = TextScanner(text)
        guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2), scanner.take("-"),
            let day = scanner.digits(2), scanner.take("T"), let hour = scanner.digits(2), scanner.take(":"),
            let minute = scanner.digits(2), scanner.take(":"), let second = scanner.digits(2),
            let nanos = scanner.fraction(),
            (1...12).contains(month), day >= 1, day <= daysIn(month, year), hour < 24, minute < 60, second < 60
        else { return nil }
        var offset = 0
        if !scanner.take("Z") {
            let isWest = scanner.take("-")
            guard isWest || scanner.take("+"), let hours = scanner.digits(2), scanner.take(":"),
                let minutes = scanner.digits(2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (isWest ? -60 : 60)
        }
        guard scanner.isAtEnd else { return nil }
        let seconds = Int64(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
        return range.contains(seconds) ? (seconds, nanos) : nil
    }

    // MARK: - The calendar

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The date of a day, counted from 1970-01-01, from the year 1 on. The year begins in March, so that the leap day is
    /// its last: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    private static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let days = days + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        return (
            yearOfEra + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9,
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }

    /// The inverse of ``date(_:)``.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// `1.500s`.
enum Durations {
    /// About 10,000 years.
    static let range: ClosedRange<Int64> = -315_576_000_000...315_576_000_000

    static func write(_ seconds: Int64, _ nanos: Int32, into out: inout ByteSink) {
        if seconds < 0 || nanos < 0 { out.append(UInt8(ascii: "-")) }
        out.number(seconds.magnitude)
        Timestamps.writeFraction(Int(nanos.magnitude), into: &out)
        out.append(UInt8(ascii: "s"))
    }

    /// Reads a duration; `nil` if it is none, or out of range.
    static func read(_ text: UnsafeBufferPointer<UInt8>) -> (seconds: Int64, nanos: Int32)? {
        var scanner = TextScanner(text)
        let isNegative = scanner.take("-")
        guard let seconds = scanner.number(), let nanos = scanner.fraction(), scanner.take("s"), scanner.isAtEnd,
            range.contains(seconds)
        else { return nil }
        return isNegative ? (-seconds, -nanos) : (seconds, nanos)
    }
}

/// `user.displayName,photo`: paths in lower camel case.
enum FieldMasks {
    /// Writes a path with its JSON names. Returns whether the path would be read back the same.
    static func write(_ path: UnsafeBufferPointer<UInt8>, into out: inout ByteSink) -> Bool {
        var isUpper = false
        for byte in path {
            switch byte {
            case UInt8(ascii: "_"):
                if isUpper { return false }
                isUpper = true
            case UInt8(ascii: "a")...UInt8(ascii: "z"):
                out.append(isUpper ? byte - 0x20 : byte)
                isUpper = false
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."):
                if isUpper { return false }
                out.append(byte)
            default: return false
            }
        }
        return !isUpper
    }

    /// Reads paths between commas, and writes them as the field 1 of a message. Returns whether they are paths.
    ///
    /// - Parameter takesUnderscores: Whether names of the `.proto` file are accepted too.
    static func read(
        _ text: UnsafeBufferPointer<UInt8>, takesUnderscores: Bool = false, into out: inout ByteSink
    ) -> Bool {
        if text.isEmpty { return true }
        for path in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            if path.isEmpty { return false }
            out.append(0x0A)
            let start = out.open()
            for byte in path {
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): out.append(UInt8(ascii: "_"), byte + 0x20)
                case UInt8(ascii: "_") where !takesUnderscores: return false
                case 0..<0x21, 0x7F...: return false
                default: out.append(byte)
                }
            }
            out.close(start)
        }
        return true
    }
}

/// Reads the parts of a time.
struct TextScanner {
    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    var isAtEnd: Bool { position == text.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func digit() -> Int? {
        guard position < text.count, text[position] &- 0x30 < 10 else { return nil }
        position += 1
        return Int(text[position - 1] - 0x30)
    }

    mutating func digits(_ count: Int) -> Int? {
        var value = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Reads up to 12 digits.
    mutating func number() -> Int64? {
        guard var value = digit() else { return nil }
        for _ in 0..<11 {
            guard let digit = digit() else { break }
            value = value * 10 + digit
        }
        return Int64(value)
    }

    /// Reads a point and up to nine digits as billionths; 0 when there is no point.
    mutating func fraction() -> Int32? {
        guard take(".") else { return 0 }
        guard var value = digit() else { return nil }
        for _ in 0..<8 {
            value = value * 10 + (digit() ?? 0)
        }
        return Int32(value)
    }
}
