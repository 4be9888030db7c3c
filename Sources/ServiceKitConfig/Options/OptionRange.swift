/// The values that one option of a section may have: the option's key as configuration writes it, the property that has its
/// value, and the range.
///
/// ```swift
/// struct PoolOptions: ConfigurationSection {
///     var size = 4
///     static let ranges = [OptionRange("size", \PoolOptions.size, 1...64)]
/// }
/// ```
public struct OptionRange<Section>: Sendable {
    /// The option's key, relative to the section: `max-connections`.
    let key: String
    let bounds: OptionBounds
    /// The path, relative to the section, of a value out of the range; `nil` when there is none.
    let violation: @Sendable (_ section: Section) -> [String]?

    /// Describes a range with both ends.
    public init<Value: Comparable & Encodable & Sendable>(
        _ key: String,
        _ property: any KeyPath<Section, Value> & Sendable,
        _ range: ClosedRange<Value>
    ) {
        self.init(key, Self.bounds(range)) { range.contains($0[keyPath: property]) ? nil : [key] }
    }

    /// Describes a range without an upper end.
    public init<Value: Comparable & Encodable & Sendable>(
        _ key: String,
        _ property: any KeyPath<Section, Value> & Sendable,
        _ range: PartialRangeFrom<Value>
    ) {
        self.init(key, OptionBounds(lower: Self.text(range.lowerBound))) {
            range.contains($0[keyPath: property]) ? nil : [key]
        }
    }

    /// Describes a range of an option that may be left out, or set to null.
    public init<Value: Comparable & Encodable & Sendable>(
        _ key: String,
        _ property: any KeyPath<Section, Value?> & Sendable,
        _ range: ClosedRange<Value>
    ) {
        self.init(key, Self.bounds(range)) { $0[keyPath: property].map(range.contains) ?? true ? nil : [key] }
    }

    /// Describes the range of every value of a dictionary.
    public init<Value: Comparable & Encodable & Sendable>(
        _ key: String,
        _ property: any KeyPath<Section, [String: Value]> & Sendable,
        _ range: ClosedRange<Value>
    ) {
        self.init(key, Self.bounds(range)) { section in
            section[keyPath: property].filter { !range.contains($0.value) }.keys.min().map { [key, $0] }
        }
    }

    /// Describes the range of an option that the section takes from another one, which is its property and no mapping.
    public init<Part>(_ range: OptionRange<Part>, of property: any KeyPath<Section, Part> & Sendable) {
        self.init(range.key, range.bounds) { range.violation($0[keyPath: property]) }
    }

    private init(_ key: String, _ bounds: OptionBounds, _ violation: @escaping @Sendable (Section) -> [String]?) {
        self.key = key
        self.bounds = bounds
        self.violation = violation
    }

    private static func bounds<Value: Encodable>(_ range: ClosedRange<Value>) -> OptionBounds {
        OptionBounds(lower: text(range.lowerBound), upper: text(range.upperBound))
    }

    /// A value as configuration writes it.
    private static func text(_ value: some Encodable) -> String {
        (value as? any ScalarConvertible)?.scalar.text ?? "\(value)"
    }
}

extension NodeDecoder {
    /// Refuses values of a section that are out of their range. Throws ``ConfigurationError`` for the first such value,
    /// with its location and the range.
    func checkRanges<Section: ConfigurationSection>(of section: Section) throws(ConfigurationError) {
        for range in Section.ranges {
            guard let keys = range.violation(section) else { continue }
            let value = keys.reduce(node) { $0.mapping?[$1]?.value ?? $0 }
            throw value.mismatch(expected: range.bounds.text, keyPath: keys.reduce(trail.text, KeyTrail.join))
        }
    }
}
