import Foundation

extension Double {
    /// The number with three significant digits, without an exponent.
    func formatted() -> String {
        if self >= 100 { return String(format: "%.0f", self) }
        if self >= 10 { return String(format: "%.1f", self) }
        let text = String(format: "%.2f", self)
        return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
    }
}

extension String {
    /// The text with spaces after it.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - self.count))
    }

    /// The text with spaces before it.
    func aligned(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - self.count)) + self
    }
}

extension Sequence<Double> {
    /// The middle value, or the mean of the two in the middle; not a number without any value.
    var median: Double {
        let sorted = self.sorted()
        guard !sorted.isEmpty else { return .nan }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
