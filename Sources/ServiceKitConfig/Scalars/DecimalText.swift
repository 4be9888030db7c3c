/// An exact decimal number before a unit, as in `1.5s` or `16KiB`.
struct DecimalText {
    /// The largest number of digits, before and after the point together.
    static let maximumDigits = 18

    private let digits: Int128
    private let scale: Int128

    /// Takes a number such as `12` or `1.5` off the front of the text. Throws when the text does not begin with a
    /// number, or the number is too long.
    init(consuming text: inout Substring) throws(ScalarMismatch) {
        let whole = text.prefix { $0.isASCII && $0.isNumber }
        var rest = text[whole.endIndex...]
        var fraction = rest[rest.startIndex..<rest.startIndex]
        if rest.first == "." {
            fraction = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
            guard !fraction.isEmpty else { throw ScalarMismatch() }
            rest = rest[fraction.endIndex...]
        }
        guard !whole.isEmpty else { throw ScalarMismatch() }
        guard whole.count + fraction.count <= Self.maximumDigits, let digits = Int128(whole + fraction) else {
            throw ScalarMismatch(expected: "a number of at most \(Self.maximumDigits) digits")
        }
        self.digits = digits
        scale = fraction.reduce(1) { scale, _ in scale * 10 }
        text = rest
    }

    /// The number times `unit`; `nil` when the product is not a whole number, or overflows.
    func multiplied(by unit: Int128) -> Int128? {
        let (product, overflow) = digits.multipliedReportingOverflow(by: unit)
        guard !overflow, product % scale == 0 else { return nil }
        return product / scale
    }
}
