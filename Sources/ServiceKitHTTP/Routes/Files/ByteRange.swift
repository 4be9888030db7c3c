import HTTPTypes

/// The part of a file that a request asks for (RFC 9110, section 14). Several parts at once are answered with the whole.
enum ByteRange: Equatable {
    case whole
    case part(Range<Int>)
    /// The file has no such part.
    case unsatisfiable

    /// Reads the headers of a request.
    ///
    /// - Parameters:
    ///   - headers: The request's headers.
    ///   - size: The file's size in bytes.
    ///   - tag: The file's entity tag.
    ///   - modified: The time of its last change, in seconds since 1970.
    static func asked(by headers: HTTPFields, size: Int, tag: String, modified: Int) -> ByteRange {
        guard let range = headers[.range] else { return .whole }
        // A part of another version would not fit the parts that the client has.
        if let condition = headers[.ifRange], condition != tag, HTTPDate.seconds(condition) != modified {
            return .whole
        }
        guard range.hasPrefix("bytes=") else { return .whole }
        let bounds = range.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = number(bounds[0]), let last = number(bounds[1]) else { return .whole }
        switch (first, last) {
        case (let first?, let last?) where first > last: return .whole
        case (let first?, let last):
            guard first < size else { return .unsatisfiable }
            return .part(first..<(min(last ?? size - 1, size - 1) + 1))
        case (nil, let count?):
            guard count > 0, size > 0 else { return .unsatisfiable }
            return .part(max(0, size - count)..<size)
        case (nil, nil): return .whole
        }
    }

    /// A bound: `.some(nil)` if it is left out, `nil` if it is no number.
    private static func number(_ text: Substring) -> Int?? {
        if text.isEmpty { return .some(nil) }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else { return nil }
        return number
    }
}
