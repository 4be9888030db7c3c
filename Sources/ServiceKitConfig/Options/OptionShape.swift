/// The form of a value, from the type that reads it.
package indirect enum OptionShape: Sendable {
    case scalar(ScalarKind)
    /// One of these texts.
    case choice([String])
    case list(OptionShape)
    /// Free keys, whose values all have one form.
    case dictionary(OptionShape)
    /// Named keys. The help is that of the section's type, also for keys that another type reads.
    case section([OptionDescription], help: [String: String])
    /// The type reads the value in a way of its own.
    case any

    /// The form in words: `a duration`, `a list`.
    package var name: String {
        switch self {
        case .scalar(let kind): kind.name
        case .choice: "a name"
        case .list: "a list"
        case .dictionary: "a mapping"
        case .section: "a section"
        case .any: "a value"
        }
    }
}

/// The kind of value that a scalar stands for.
package enum ScalarKind: Hashable, Sendable {
    case text, integer, fraction, boolean, duration, size, url

    fileprivate var name: String {
        switch self {
        case .text: "a text"
        case .integer: "an integer"
        case .fraction: "a number"
        case .boolean: "true or false"
        case .duration: "a duration"
        case .size: "a size"
        case .url: "a URL"
        }
    }
}

/// The ends of a range, as configuration writes them; `nil` for none.
package struct OptionBounds: Hashable, Sendable {
    package var lower: String
    package var upper: String?

    /// The range in words: `1s to 1h`, `at least 1`.
    package var text: String { upper.map { "\(lower) to \($0)" } ?? "at least \(lower)" }
}
