extension Duration: ScalarConvertible {
    /// The units, largest first, with their length in attoseconds.
    private static let units: [(name: String, attoseconds: Int128)] = [
        ("h", 3_600_000_000_000_000_000_000),
        ("m", 60_000_000_000_000_000_000),
        ("s", 1_000_000_000_000_000_000),
        ("ms", 1_000_000_000_000_000),
        ("us", 1_000_000_000_000),
        ("ns", 1_000_000_000),
    ]

    /// The longest duration: 64 bits of nanoseconds, some 292 years. Timers count in the same.
    private static let maximum = Duration.nanoseconds(Int64.max)

    static var expectation: String { "a duration such as 30s, 250ms or 1m30s" }
    static var kind: ScalarKind { .duration }

    /// Reads `1h`, `1m30s`, `250ms`, `1.5s`, `100us`, `5ns` or `0`. Units go from large to small, each at most once.
    init(reading scalar: ConfigurationNode.Scalar) throws(ScalarMismatch) {
        guard scalar.text != "0" else {
            self = .zero
            return
        }
        let isNegative = scalar.text.hasPrefix("-")
        var rest = scalar.text.dropFirst(isNegative ? 1 : 0)
        var smallerUnits = Self.units[...]
        var total: Int128 = 0
        repeat {
            let number = try DecimalText(consuming: &rest)
            guard !rest.isEmpty else { throw ScalarMismatch(advice: "add a unit: \(Self.unitNames)") }
            let name = rest.prefix { $0.isLetter }
            rest = rest[name.endIndex...]
            guard !name.isEmpty else {
                throw ScalarMismatch(advice: rest.first == " " ? "leave the space out" : nil)
            }
            guard let index = smallerUnits.firstIndex(where: { $0.name == name }) else {
                let isKnown = Self.units.contains { $0.name == name }
                throw ScalarMismatch(
                    advice: isKnown ? "write larger units first, each once" : "units are \(Self.unitNames)"
                )
            }
            guard let part = number.multiplied(by: smallerUnits[index].attoseconds), part <= Self.maximum.attoseconds
            else { throw ScalarMismatch(expected: "a duration of at most 292 years") }
            total += part
            smallerUnits = smallerUnits[(index + 1)...]
        } while !rest.isEmpty
        guard total <= Self.maximum.attoseconds else {
            throw ScalarMismatch(expected: "a duration of at most 292 years")
        }
        self = Duration(attoseconds: isNegative ? -total : total)
    }

    /// The shortest exact form: `1m30s`. Parts of a nanosecond are cut off.
    var scalar: ConfigurationNode.Scalar {
        var rest = attoseconds.magnitude
        var text = ""
        for unit in Self.units {
            let (count, remainder) = rest.quotientAndRemainder(dividingBy: unit.attoseconds.magnitude)
            if count > 0 { text += "\(count)\(unit.name)" }
            rest = remainder
        }
        if text.isEmpty { return ConfigurationNode.Scalar(text: "0", form: .plain) }
        return ConfigurationNode.Scalar(text: (self < .zero ? "-" : "") + text, form: .plain)
    }

    private static var unitNames: String { units.map(\.name).joined(separator: ", ") }
}

extension Duration {
    /// Reads a duration in the configuration's notation from another place, such as the command line: `30s`, `250ms`,
    /// `1m30s`. Any other text gives `nil`.
    public init?(configurationText text: String) {
        guard let value = try? Duration(reading: ConfigurationNode.Scalar(text: text, form: .literal)) else {
            return nil
        }
        self = value
    }
}
