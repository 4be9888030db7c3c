/// The reason why a message cannot be converted, with the place of the fault.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path of the field, in the names that the document has: `users[2].email`. Empty for the message itself.
    package var field: String
    /// The line and column in the JSON, from 1; `nil` for a fault of a message in the wire format.
    package var place: Place?
    /// A sentence for the caller: `expected a string, found the number 5`.
    package var reason: String
    /// The distance from the start of the JSON, until ``place`` is known.
    var offset = 0

    package struct Place: Hashable, Sendable {
        package var line: Int
        /// Counted in bytes.
        package var column: Int
    }

    package init(_ reason: String) { self.init(reason, offset: 0) }

    init(_ reason: String, offset: Int) {
        field = ""
        self.reason = reason
        self.offset = offset
    }

    /// `line 3, column 12: users[2].email: expected a string, found the number 5`.
    package var description: String {
        let line = place.map { "line \($0.line), column \($0.column): " } ?? ""
        return line + (field.isEmpty ? reason : "\(field): \(reason)")
    }

    /// The error inside of a field or an element: `users` or `[2]`.
    package func within(_ part: String) -> JSONError {
        var error = self
        error.field = field.isEmpty || field.hasPrefix("[") ? part + field : "\(part).\(field)"
        return error
    }

    /// The error inside of an element.
    func within(_ index: Int) -> JSONError { within("[\(index)]") }

    /// The error with the place of its offset in a document.
    func located(in json: UnsafeBufferPointer<UInt8>) -> JSONError {
        var error = self
        let before = json.prefix(offset)
        error.place = Place(
            line: before.count { $0 == 0x0A } + 1,
            column: offset - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1)
        return error
    }
}
