/// UTF-8 as JSON has it (RFC 3629, RFC 8259).
enum UTF8Text {
    /// The first byte of a text that a JSON string cannot have as it is: a quote, a backslash, a control character, or one
    /// beyond ASCII.
    @inline(__always) static func plainEnd(
        _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
    ) -> UnsafePointer<UInt8> {
        var position = start
        let ones: UInt64 = 0x0101_0101_0101_0101
        while end - position >= 8 {
            // Eight bytes at once: a byte's highest bit is set in `special` if it is special. Bytes above a special one may
            // be set too, so only the lowest counts.
            let word = UInt64(littleEndian: UnsafeRawPointer(position).loadUnaligned(as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let delete = word ^ (ones &* 0x7F)
            let special =
                (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((delete &- ones) & ~delete)
                    | ((word &- (ones &* 0x20)) & ~word) | word) & (ones &* 0x80)
            if special != 0 { return position + special.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < end, isPlain(position.pointee) { position += 1 }
        return position
    }

    @inline(__always) private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x5C
    }

    static func isValid(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard var position = text.baseAddress else { return true }
        let end = position + text.count
        while position < end {
            let length = position.pointee < 0x80 ? 1 : length(position, end)
            if length == 0 { return false }
            position += length
        }
        return true
    }

    /// The number of bytes of the character that begins beyond ASCII; 0 when it is not UTF-8.
    @inline(__always) static func length(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
        let room = end - start
        @inline(__always) func continues(_ index: Int) -> Bool { start[index] & 0xC0 == 0x80 }
        switch start.pointee {
        case 0xC2...0xDF: return room >= 2 && continues(1) ? 2 : 0
        case 0xE0...0xEF:
            guard room >= 3, continues(1), continues(2) else { return 0 }
            // Neither an overlong form nor half of a surrogate pair.
            if start.pointee == 0xE0, start[1] < 0xA0 { return 0 }
            if start.pointee == 0xED, start[1] > 0x9F { return 0 }
            return 3
        case 0xF0...0xF4:
            guard room >= 4, continues(1), continues(2), continues(3) else { return 0 }
            if start.pointee == 0xF0, start[1] < 0x90 { return 0 }
            if start.pointee == 0xF4, start[1] > 0x8F { return 0 }
            return 4
        default: return 0
        }
    }
}

extension ByteSink {
    /// Writes a text in quotes, with escapes. Returns whether it is UTF-8.
    ///
    /// Written as escapes are also the characters that control a terminal or end a line in JavaScript.
    mutating func quoted(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        reserve(text.count + 2)
        append(0x22)
        guard var position = text.baseAddress.map({ UnsafePointer($0) }) else {
            append(0x22)
            return true
        }
        let end = position + text.count
        while true {
            let stop = UTF8Text.plainEnd(position, end)
            append(position, stop - position)
            if stop == end { break }
            position = stop
            if stop.pointee < 0x80 {
                escape(UInt32(stop.pointee))
                position += 1
                continue
            }
            let length = UTF8Text.length(stop, end)
            if length == 0 { return false }
            position += length
            if length == 2, stop[0] == 0xC2, stop[1] < 0xA0 {
                escape(UInt32(stop[1]))
            } else if length == 3, stop[0] == 0xE2, stop[1] == 0x80, stop[2] == 0xA8 || stop[2] == 0xA9 {
                escape(0x2028 + UInt32(stop[2] - 0xA8))
            } else {
                append(stop, length)
            }
        }
        append(0x22)
        return true
    }

    private mutating func escape(_ character: UInt32) {
        switch character {
        case 0x22: append(0x5C, 0x22)
        case 0x5C: append(0x5C, 0x5C)
        case 0x08: append(0x5C, UInt8(ascii: "b"))
        case 0x0C: append(0x5C, UInt8(ascii: "f"))
        case 0x0A: append(0x5C, UInt8(ascii: "n"))
        case 0x0D: append(0x5C, UInt8(ascii: "r"))
        case 0x09: append(0x5C, UInt8(ascii: "t"))
        default:
            append(0x5C, UInt8(ascii: "u"))
            for shift in [UInt32(12), 8, 4, 0] {
                let digit = UInt8(truncatingIfNeeded: character >> shift & 0xF)
                append(digit < 10 ? 0x30 + digit : 0x57 + digit)
            }
        }
    }

    /// Writes a character in UTF-8. Surrogates are none.
    mutating func append(character: UInt32) {
        @inline(__always) func part(_ shift: UInt32) -> UInt8 {
            0x80 | UInt8(truncatingIfNeeded: character >> shift) & 0x3F
        }
        switch character {
        case ..<0x80: append(UInt8(truncatingIfNeeded: character))
        case ..<0x800: append(0xC0 | UInt8(truncatingIfNeeded: character >> 6), part(0))
        case ..<0x10000:
            append(0xE0 | UInt8(truncatingIfNeeded: character >> 12), part(6))
            append(part(0))
        default:
            append(0xF0 | UInt8(truncatingIfNeeded: character >> 18), part(12))
            append(part(6), part(0))
        }
    }
}
