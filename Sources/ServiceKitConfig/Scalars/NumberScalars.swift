extension ScalarConvertible where Self: FixedWidthInteger {
    static var expectation: String { "an integer" }
    static var kind: ScalarKind { .integer }
    static var bounds: OptionBounds? {
        // The upper end of a wide type is no more than a technicality.
        if bitWidth < 64 { return OptionBounds(lower: "\(Self.min)", upper: "\(Self.max)") }
        return isSigned ? nil : OptionBounds(lower: "0")
    }

    /// Reads `8080`, `-1`, `0x1F90` or `0o755`: the integers of YAML 1.2's core schema.
    init(reading scalar: ConfigurationNode.Scalar) throws(ScalarMismatch) {
        let text = try scalar.unquoted(for: Self.self)
        let isNegative = text.hasPrefix("-")
        var digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        var radix = 10
        if digits.hasPrefix("0x") { radix = 16 }
        if digits.hasPrefix("0o") { radix = 8 }
        if radix != 10 { digits = digits.dropFirst(2) }
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.hexDigitValue ?? radix) < radix }) else {
            throw ScalarMismatch()
        }
        guard radix != 10 || digits == "0" || !digits.hasPrefix("0") else {
            // 0755 is octal to YAML 1.1 and decimal to YAML 1.2.
            throw ScalarMismatch(advice: "remove the leading zero; an octal number starts with 0o")
        }
        guard let value = Self((isNegative ? "-" : "") + digits, radix: radix) else {
            throw ScalarMismatch(expected: "an integer from \(Self.min) to \(Self.max)")
        }
        self = value
    }

    var scalar: ConfigurationNode.Scalar { ConfigurationNode.Scalar(text: String(self), form: .plain) }
}

extension Int: ScalarConvertible {}
extension Int8: ScalarConvertible {}
extension Int16: ScalarConvertible {}
extension Int32: ScalarConvertible {}
extension Int64: ScalarConvertible {}
extension Int128: ScalarConvertible {}
extension UInt: ScalarConvertible {}
extension UInt8: ScalarConvertible {}
extension UInt16: ScalarConvertible {}
extension UInt32: ScalarConvertible {}
extension UInt64: ScalarConvertible {}
extension UInt128: ScalarConvertible {}

extension ScalarConvertible where Self: BinaryFloatingPoint & LosslessStringConvertible {
    static var expectation: String { "a number" }
    static var kind: ScalarKind { .fraction }

    /// Reads `1`, `0.5`, `1e-3`, `.inf` or `.nan`: the numbers of YAML 1.2's core schema.
    init(reading scalar: ConfigurationNode.Scalar) throws(ScalarMismatch) {
        let text = try scalar.unquoted(for: Self.self)
        switch text {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .infinity
        case "-.inf", "-.Inf", "-.INF": self = -.infinity
        case ".nan", ".NaN", ".NAN": self = .nan
        default:
            // Swift's own initializer would also take "inf", "nan" and hexadecimal.
            let isDecimal = text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
            guard isDecimal, let value = Self(text) else { throw ScalarMismatch() }
            let digits = text.drop { "+-".contains($0) }
            guard !digits.hasPrefix("0") || !(digits.dropFirst().first?.isNumber ?? false) else {
                // As for integers: 010 is eight to some, and ten to others.
                throw ScalarMismatch(advice: "remove the leading zero")
            }
            guard value.isFinite else { throw ScalarMismatch(expected: "a number that \(Self.self) can hold") }
            self = value
        }
    }

    var scalar: ConfigurationNode.Scalar {
        let text = isNaN ? ".nan" : isInfinite ? (self < 0 ? "-.inf" : ".inf") : String(self)
        return ConfigurationNode.Scalar(text: text, form: .plain)
    }
}

extension Double: ScalarConvertible {}
extension Float: ScalarConvertible {}
