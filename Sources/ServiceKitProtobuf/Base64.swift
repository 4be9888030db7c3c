/// Base64 (RFC 4648). Writes with padding. Reads the standard and the URL-safe alphabet, with or without padding.
package enum Base64 {
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var sink = ByteSink(capacity: bytes.count / 3 * 4 + 4)
        let bytes = Array(bytes)
        bytes.withUnsafeBufferPointer { encode($0, into: &sink) }
        return String(decoding: sink.bytes, as: UTF8.self)
    }

    /// Decodes a text; `nil` when it is not base64.
    package static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { text in
            var sink = ByteSink(capacity: text.count / 4 * 3 + 3)
            return decode(text, into: &sink) ? Array(sink.bytes) : nil
        }
    }

    // MARK: - Bytes

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each character; 0xFF for those that are none of base64.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    static func encode(_ bytes: UnsafeBufferPointer<UInt8>, into sink: inout ByteSink) {
        let room = (bytes.count + 2) / 3 * 4
        alphabet.withUnsafeBufferPointer { alphabet in
            // All indices into the alphabet are below 64, and four characters are written for three bytes.
            sink.write(room) { target in
                var source = 0
                var position = 0
                while source + 3 <= bytes.count {
                    let word = Int(bytes[source]) << 16 | Int(bytes[source + 1]) << 8 | Int(bytes[source + 2])
                    target[position] = alphabet[word >> 18]
                    target[position + 1] = alphabet[word >> 12 & 63]
                    target[position + 2] = alphabet[word >> 6 & 63]
                    target[position + 3] = alphabet[word & 63]
                    source += 3
                    position += 4
                }
                guard source < bytes.count else { return room }
                let hasTwo = source + 1 < bytes.count
                let word = Int(bytes[source]) << 16 | (hasTwo ? Int(bytes[source + 1]) << 8 : 0)
                target[position] = alphabet[word >> 18]
                target[position + 1] = alphabet[word >> 12 & 63]
                target[position + 2] = hasTwo ? alphabet[word >> 6 & 63] : UInt8(ascii: "=")
                target[position + 3] = UInt8(ascii: "=")
                return room
            }
        }
    }

    /// Decodes a text. Returns whether it is base64; if not, a part may have been written.
    static func decode(_ text: UnsafeBufferPointer<UInt8>, into sink: inout ByteSink) -> Bool {
        var count = text.count
        var padding = 0
        while padding < 2, count > 0, text[count - 1] == UInt8(ascii: "=") {
            count -= 1
            padding += 1
        }
        // A group has two to four characters. Padding fills a group, or is missing.
        guard count % 4 != 1, padding == 0 || (count + padding) % 4 == 0 || count % 4 == 2 && padding == 1 else {
            return false
        }
        return values.withUnsafeBufferPointer { values in
            var isValid = true
            // Three bytes are written for four characters, and fewer for the rest.
            sink.write(count / 4 * 3 + 3) { target in
                var seen: UInt8 = 0
                var source = 0
                var position = 0
                @inline(__always) func value(_ index: Int) -> Int {
                    let value = values[Int(text[index])]
                    seen |= value
                    return Int(value & 63)
                }
                while source + 4 <= count {
                    let word =
                        value(source) << 18 | value(source + 1) << 12 | value(source + 2) << 6 | value(source + 3)
                    target[position] = UInt8(truncatingIfNeeded: word >> 16)
                    target[position + 1] = UInt8(truncatingIfNeeded: word >> 8)
                    target[position + 2] = UInt8(truncatingIfNeeded: word)
                    source += 4
                    position += 3
                }
                if source < count {
                    let word =
                        value(source) << 18 | value(source + 1) << 12
                        | (source + 2 < count ? value(source + 2) << 6 : 0)
                    target[position] = UInt8(truncatingIfNeeded: word >> 16)
                    target[position + 1] = UInt8(truncatingIfNeeded: word >> 8)
                    position += source + 2 < count ? 2 : 1
                }
                // Only characters that are none of base64 have the highest bit.
                isValid = seen < 0x80
                return position
            }
            return isValid
        }
    }
}
