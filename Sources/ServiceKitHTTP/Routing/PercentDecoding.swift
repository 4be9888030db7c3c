/// Text of a URL (RFC 3986, section 2.1; the query as `application/x-www-form-urlencoded`).
enum PercentDecoding {
    enum Part {
        /// A segment of a path.
        case segment
        /// Several segments of a path: an escaped slash stays escaped.
        case segments
        /// A part of a query: a plus is a space.
        case query
    }

    /// Appends the text that an escaped text stands for. Returns whether its escapes are complete.
    static func decode(_ text: UnsafeBufferPointer<UInt8>, _ part: Part, into result: inout [UInt8]) -> Bool {
        result.reserveCapacity(result.count + text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            switch byte {
            case UInt8(ascii: "%"):
                guard index + 2 <= text.count, let high = digit(text[index]), let low = digit(text[index + 1]) else {
                    return false
                }
                let value = high << 4 | low
                if part == .segments, value == UInt8(ascii: "/") {
                    result.append(byte)
                    result.append(text[index])
                    result.append(text[index + 1])
                } else {
                    result.append(value)
                }
                index += 2
            case UInt8(ascii: "+") where part == .query: result.append(0x20)
            default: result.append(byte)
            }
        }
        return true
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 0x57
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 0x37
        default: nil
        }
    }
}
