/// A value of `grpc-timeout`: up to eight digits and a unit
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Timeout").
package struct GRPCTimeout: Hashable, Sendable {
    /// How it is written.
    let wireValue: String
    package let duration: Duration

    private enum Unit: UInt8, CaseIterable {
        case nanosecond = 0x6e
        case microsecond = 0x75
        case millisecond = 0x6d
        case second = 0x53
        case minute = 0x4d
        case hour = 0x48

        var duration: Duration {
            switch self {
            case .nanosecond: .nanoseconds(1)
            case .microsecond: .microseconds(1)
            case .millisecond: .milliseconds(1)
            case .second: .seconds(1)
            case .minute: .seconds(60)
            case .hour: .seconds(3600)
            }
        }
    }

    /// gRPC allows eight digits. Seven are written here, as GRPCCore 2.4 reads no more and would take the call for one
    /// without a deadline.
    private static let maxWrittenAmount: Int64 = 9_999_999
    private static let maxDigits = 8
    /// Longer is taken as this long; it keeps sums of times from overflowing.
    private static let maxDuration = Duration.seconds(365 * 24 * 3600)

    /// The shortest timeout that can be written and is not shorter than `duration`.
    init(_ duration: Duration) {
        let duration = min(max(duration, .nanoseconds(1)), Self.maxDuration)
        var amount: Int64 = 0
        var unit = Unit.nanosecond
        for candidate in Unit.allCases {
            unit = candidate
            amount = Self.quotientRoundedUp(duration, candidate.duration)
            if amount <= Self.maxWrittenAmount { break }
        }
        wireValue = "\(amount)\(Character(UnicodeScalar(unit.rawValue)))"
        self.duration = unit.duration * Int(amount)
    }

    /// Reads a timeout; `nil` if it is not one.
    package init?(_ text: UnsafeBufferPointer<UInt8>) {
        guard let last = text.last, let unit = Unit(rawValue: last) else { return nil }
        let digits = text.dropLast()
        guard (1...Self.maxDigits).contains(digits.count) else { return nil }
        var amount = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            amount = amount * 10 + Int(digit - UInt8(ascii: "0"))
        }
        self.init(unit.duration * amount)
    }

    private static func quotientRoundedUp(_ duration: Duration, _ unit: Duration) -> Int64 {
        // Neither overflows: `maxDuration` is 3.2e16 nanoseconds.
        let value = Self.nanoseconds(duration)
        let divisor = Self.nanoseconds(unit)
        return (value + divisor - 1) / divisor
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000_000 + (attoseconds + 999_999_999) / 1_000_000_000
    }
}
