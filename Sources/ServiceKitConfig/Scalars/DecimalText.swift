/// A decimal number before a unit, as in `1.5s` or `16KiB`, kept exact.
struct DecimalText {
    /// The most digits of a number, before and after the point together.
    static let maximumDigits = 18

    private let digits: Int128
    private let scale: Int128

    /// Takes `12` or `1.5` off the front of the text.
    ///
    /// - Throws: When there is no such number, or it is too long.
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

    /// The number times `unit`; `nil` when that is no whole number or overflows.
    func multiplied(by unit: Int128) -> Int128? {
        let (product, overflow) = digits.multipliedReportingOverflow(by: unit)
        guard !overflow, product % scale == 0 else { return nil }
        return product / scale
    }
}
