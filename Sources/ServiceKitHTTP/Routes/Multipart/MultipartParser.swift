import HTTPTypes

/// Cuts a body of the media type `multipart/form-data` into its parts (RFC 7578; RFC 2046, section 5.1).
///
/// | state | bytes | state | event |
/// |---|---|---|---|
/// | before | the first delimiter | delimiter | |
/// | delimiter | a line's end | headers | |
/// | delimiter | `--` | over | the end |
/// | headers | an empty line | content | a part |
/// | content | others | content | data |
/// | content | a delimiter | delimiter | the part's end |
struct MultipartParser {
    enum Event: Equatable {
        case part(HTTPFields)
        case data([UInt8])
        case partEnd
        case end
        /// More of the body has to come.
        case needsMore
    }

    private enum State { case before, delimiter, headers, content, over }

    /// The most bytes of a part's headers.
    static let maxHeaderBytes = 16 * 1024

    private let delimiter: [UInt8]
    private let maxParts: Int
    private var state = State.before
    private var partCount = 0
    // The first delimiter may stand at the start of the body: with a line's end before it, it is as the others.
    private var buffer: [UInt8] = Array("\r\n".utf8)
    private var start = 0
    private var hasFinished = false

    /// - Parameters:
    ///   - boundary: The boundary that the header `content-type` names.
    ///   - maxParts: The most parts.
    init(boundary: String, maxParts: Int) {
        delimiter = Array("\r\n--\(boundary)".utf8)
        self.maxParts = maxParts
    }

    /// Takes bytes of the body.
    mutating func feed(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
        } else {
            buffer.removeSubrange(..<start)
            buffer += bytes
        }
        start = 0
    }

    /// The body has ended.
    mutating func finish() { hasFinished = true }

    /// The next event.
    ///
    /// - Throws: `MultipartError` if the body is none of this media type, or too large.
    mutating func next() throws(MultipartError) -> Event {
        while true {
            switch state {
            case .before:
                guard let found = find(delimiter) else {
                    start = max(start, buffer.count - delimiter.count)
                    return try more()
                }
                start = found + delimiter.count
                state = .delimiter
            case .delimiter:
                guard buffer.count - start >= 2 else { return try more() }
                let isLast = buffer[start..<(start + 2)].elementsEqual("--".utf8)
                guard isLast || buffer[start..<(start + 2)].elementsEqual("\r\n".utf8) else {
                    throw MultipartError("there is text behind the boundary of a part")
                }
                // The line's end stays: it may be the first half of the empty line behind no headers.
                if !isLast, partCount == maxParts { throw MultipartError("the body has more than \(maxParts) parts") }
                if !isLast { partCount += 1 }
                state = isLast ? .over : .headers
            case .headers:
                guard let found = find(Array("\r\n\r\n".utf8)) else {
                    guard buffer.count - start <= Self.maxHeaderBytes else { throw Self.headersTooLarge }
                    return try more()
                }
                guard found - start <= Self.maxHeaderBytes else { throw Self.headersTooLarge }
                let headers = try Self.headers(buffer[min(start + 2, found)..<found])
                start = found + 4
                state = .content
                return .part(headers)
            case .content:
                if let found = find(delimiter) {
                    let data = Array(buffer[start..<found])
                    start = found
                    guard data.isEmpty else { return .data(data) }
                    start += delimiter.count
                    state = .delimiter
                    return .partEnd
                }
                // The last bytes may be the beginning of a delimiter.
                let end = buffer.count - delimiter.count + 1
                guard end > start else { return try more() }
                defer { start = end }
                return .data(Array(buffer[start..<end]))
            case .over:
                return .end
            }
        }
    }

    private static var headersTooLarge: MultipartError {
        MultipartError("the headers of a part are larger than \(maxHeaderBytes) bytes")
    }

    private func more() throws(MultipartError) -> Event {
        if hasFinished { throw MultipartError("the body ends within a part") }
        return .needsMore
    }

    /// The place of a text that begins with a carriage return.
    private func find(_ text: [UInt8]) -> Int? {
        buffer.withUnsafeBufferPointer { buffer in
            var index = start
            while index + text.count <= buffer.count {
                guard let next = buffer[index...].firstIndex(of: 13), next + text.count <= buffer.count else {
                    return nil
                }
                if buffer[next..<(next + text.count)].elementsEqual(text) { return next }
                index = next + 1
            }
            return nil
        }
    }

    private static func headers(_ lines: ArraySlice<UInt8>) throws(MultipartError) -> HTTPFields {
        var headers = HTTPFields()
        for line in String(decoding: lines, as: UTF8.self).split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = HTTPField.Name(String(parts[0])) else {
                throw MultipartError("a header of a part has no name")
            }
            headers.append(HTTPField(name: name, value: String(parts[1])))
        }
        return headers
    }
}

/// A body that is no `multipart/form-data`.
struct MultipartError: Error, Equatable {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
