/// The headers of a call: names to values, in order, names repeatable.
///
/// Names are lower case. A name that ends in `-bin` has bytes as its value, every other one text.
public struct CallMetadata: Hashable, Sendable {
    /// Text or bytes.
    public enum Value: Hashable, Sendable, ExpressibleByStringLiteral {
        /// Text.
        case string(String)
        /// Bytes, for names ending in `-bin`.
        case binary([UInt8])

        /// The text.
        public init(stringLiteral text: String) {
            self = .string(text)
        }
    }

    /// One header.
    public struct Entry: Hashable, Sendable {
        /// The lower-case name.
        public let name: String
        /// Its value.
        public let value: Value
    }

    private var entries: [Entry] = []

    /// No headers.
    public init() {}

    /// Makes room for a number of headers.
    package mutating func reserveCapacity(_ count: Int) {
        entries.reserveCapacity(count)
    }

    /// Adds a header behind those of the same name.
    public mutating func append(_ value: Value, for name: String) {
        entries.append(Entry(name: name.inLowerCase, value: value))
    }

    /// Adds a header of text behind those of the same name.
    public mutating func append(_ value: String, for name: String) {
        append(.string(value), for: name)
    }

    /// Removes every header of a name.
    public mutating func remove(_ name: String) {
        let name = name.inLowerCase
        entries.removeAll { $0.name == name }
    }

    /// The first text of a name; setting it replaces every header of the name.
    public subscript(name: String) -> String? {
        get { text(ofLowercase: name.inLowerCase) }
        set {
            remove(name)
            if let newValue { append(newValue, for: name) }
        }
    }

    /// The first text of a name that is in lower case.
    func text(ofLowercase name: String) -> String? {
        // No copy of an entry, and mostly no comparison of texts: each call asks.
        for index in entries.indices
        where entries[index].name.utf8.count == name.utf8.count && entries[index].name == name {
            if case .string(let text) = entries[index].value { return text }
        }
        return nil
    }

    /// Every value of a name, in order.
    public func values(of name: String) -> [Value] {
        let name = name.inLowerCase
        return entries.filter { $0.name == name }.map(\.value)
    }

    /// Adds the headers of another, in place of those of the same names.
    public mutating func merge(_ other: CallMetadata) {
        if other.isEmpty { return }
        let names = Set(other.entries.map(\.name))
        entries.removeAll { names.contains($0.name) }
        entries.append(contentsOf: other.entries)
    }

    /// The headers that satisfy a condition, in order.
    public func filter(_ isIncluded: (Entry) throws -> Bool) rethrows -> CallMetadata {
        var result = CallMetadata()
        result.entries = try entries.filter(isIncluded)
        return result
    }
}

extension CallMetadata: RandomAccessCollection {
    /// The first position.
    public var startIndex: Int { entries.startIndex }
    /// Behind the last position.
    public var endIndex: Int { entries.endIndex }
    /// The header at a position.
    public subscript(position: Int) -> Entry { entries[position] }
}

extension CallMetadata: ExpressibleByDictionaryLiteral {
    /// Headers of the names and values listed.
    public init(dictionaryLiteral elements: (String, Value)...) {
        for (name, value) in elements { append(value, for: name) }
    }
}

extension String {
    /// The name of a header in lower case. Most names are already, and then nothing is copied.
    var inLowerCase: String {
        utf8.contains { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") || $0 >= 0x80 } ? lowercased() : self
    }
}
