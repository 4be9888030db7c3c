private import Synchronization

/// The rules of one field.
struct FieldRules: Sendable {
    let type: FieldType
    var isRequired = false
    /// Whether a field with its zero value is not checked.
    var ignoresZero = false
    var minItems: UInt64?
    var maxItems: UInt64?
    /// The rules of a value, or of each element of a list.
    var values: [ValueRule] = []

    init(type: FieldType) {
        self.type = type
    }

    func check(_ values: [DynamicMessage.Value], at path: String, _ found: inout [ValidationRules.Violation]) {
        if isRequired, values.isEmpty {
            found.append(.init(field: path, rule: "required", message: "must be set"))
            return
        }
        if type.isRepeated {
            if values.isEmpty, ignoresZero { return }
            if let minItems, values.count < minItems {
                found.append(
                    .init(field: path, rule: "repeated.min_items", message: "must have at least \(minItems) items"))
            }
            if let maxItems, values.count > maxItems {
                found.append(
                    .init(field: path, rule: "repeated.max_items", message: "must have at most \(maxItems) items"))
            }
            for (index, value) in values.enumerated() where found.count < ValidationRules.maxViolations {
                check(value, at: "\(path)[\(index)]", &found)
            }
            return
        }
        // A field without presence is checked also when it is missing: it has its zero value then.
        guard let value = values.first ?? (type.hasPresence ? nil : .default(of: type.kind)) else { return }
        if ignoresZero, value.isDefault(of: type.kind) { return }
        check(value, at: path, &found)
    }

    private func check(_ value: DynamicMessage.Value, at path: String, _ found: inout [ValidationRules.Violation]) {
        for rule in values {
            if let message = rule.violation(value) {
                found.append(.init(field: path, rule: rule.name, message: message))
            }
        }
    }
}

/// A rule of a value.
enum ValueRule: Sendable {
    enum Bound: String { case lt, lte, gt, gte }

    case bound(Bound, DynamicMessage.Value, type: String)
    case length(UInt64)
    case minLength(UInt64)
    case maxLength(UInt64)
    case pattern(TextPattern)
    /// The numbers of an enum.
    case definedOnly(Set<Int64>)

    /// The rule's name in `buf.validate`.
    var name: String {
        switch self {
        case .bound(let bound, _, let type): "\(type).\(bound.rawValue)"
        case .length: "string.len"
        case .minLength: "string.min_len"
        case .maxLength: "string.max_len"
        case .pattern: "string.pattern"
        case .definedOnly: "enum.defined_only"
        }
    }

    /// The sentence about a value that breaks the rule; `nil` about one that does not.
    func violation(_ value: DynamicMessage.Value) -> String? {
        switch (self, value) {
        case (.bound(let bound, let limit, _), _):
            bound.holds(value, limit) ? nil : "must be \(bound.words) \(limit.number)"
        case (.length(let count), .string(let text)):
            text.unicodeScalars.count == count ? nil : "must have \(count) characters"
        case (.minLength(let count), .string(let text)):
            text.unicodeScalars.count >= count ? nil : "must have at least \(count) characters"
        case (.maxLength(let count), .string(let text)):
            text.unicodeScalars.count <= count ? nil : "must have at most \(count) characters"
        case (.pattern(let pattern), .string(let text)):
            pattern.matches(text) ? nil : "must match \(pattern.text)"
        case (.definedOnly(let numbers), .int(let number)):
            numbers.contains(number) ? nil : "must be a value of the enum"
        default: nil
        }
    }
}

extension ValueRule.Bound {
    fileprivate var words: String {
        switch self {
        case .lt: "less than"
        case .lte: "at most"
        case .gt: "greater than"
        case .gte: "at least"
        }
    }

    /// Not a number is within no bound.
    fileprivate func holds(_ value: DynamicMessage.Value, _ limit: DynamicMessage.Value) -> Bool {
        switch (value, limit) {
        case (.int(let value), .int(let limit)): holds(value, limit)
        case (.uint(let value), .uint(let limit)): holds(value, limit)
        case (.float(let value), .float(let limit)): holds(value, limit)
        case (.double(let value), .double(let limit)): holds(value, limit)
        default: true
        }
    }

    private func holds<Number: Comparable>(_ value: Number, _ limit: Number) -> Bool {
        switch self {
        case .lt: value < limit
        case .lte: value <= limit
        case .gt: value > limit
        case .gte: value >= limit
        }
    }
}

extension DynamicMessage.Value {
    fileprivate var number: String {
        switch self {
        case .int(let number): "\(number)"
        case .uint(let number): "\(number)"
        case .float(let number): "\(number)"
        case .double(let number): "\(number)"
        default: ""
        }
    }
}

/// A regular expression that is looked for in a text.
final class TextPattern: Sendable {
    /// Longer texts match no pattern: a pattern can take a time that grows fast with the text.
    static let maxBytes = 4096

    let text: String
    // A `Regex` is not `Sendable`.
    private let regex: Mutex<Regex<AnyRegexOutput>>

    /// Throws the error of `Regex`.
    init(_ text: String) throws {
        self.text = text
        regex = Mutex(try Regex(text))
    }

    func matches(_ subject: String) -> Bool {
        if subject.utf8.count > Self.maxBytes { return false }
        return regex.withLock { (try? $0.firstMatch(in: subject)) ?? nil } != nil
    }
}
