internal import FoundationEssentials

/// Reads JSON by its bytes, and finds where things stand in it.
struct JSONScanner {
    struct Member {
        /// Its name, without escapes.
        let name: String
        /// The place of the name, quotes included.
        let key: Range<Int>
        /// The place of the value.
        let value: Range<Int>
    }

    struct Object {
        /// The place of the object, braces included.
        let range: Range<Int>
        let members: [Member]
    }

    private let bytes: [UInt8]
    private var index: Int

    init(_ bytes: [UInt8], at index: Int = 0) {
        self.bytes = bytes
        self.index = index
    }

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return index == bytes.endIndex
        }
    }

    /// The object that begins here; `nil` when none does.
    mutating func object() -> Object? {
        guard take("{") else { return nil }
        let start = index - 1
        var members: [Member] = []
        if take("}") { return Object(range: start..<index, members: members) }
        repeat {
            skipSpace()
            guard let key = skipString(), let name = Self.string(bytes[key]), take(":"), let value = skipValue() else {
                return nil
            }
            members.append(Member(name: name, key: key, value: value))
        } while take(",")
        return take("}") ? Object(range: start..<index, members: members) : nil
    }

    /// The text of a string in quotes.
    static func string(_ quoted: ArraySlice<UInt8>) -> String? {
        let contents = quoted.dropFirst().dropLast()
        if !contents.contains(UInt8(ascii: "\\")) { return String(validating: contents, as: UTF8.self) }
        return try? JSONDecoder().decode(String.self, from: Data(quoted))
    }

    private mutating func skipValue() -> Range<Int>? {
        skipSpace()
        let start = index
        var depth = 0
        // Not by recursion, which deep nesting would make deep as well.
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                if skipString() == nil { return nil }
                if depth == 0 { return start..<index }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
            case UInt8(ascii: "}") where depth == 0, UInt8(ascii: "]") where depth == 0,
                UInt8(ascii: ",") where depth == 0:
                return scalar(from: start)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 {
                    index += 1
                    return start..<index
                }
            case 0x20, 0x0A, 0x0D, 0x09:
                if depth == 0 { return scalar(from: start) }
            default:
                break
            }
            index += 1
        }
        return depth == 0 ? scalar(from: start) : nil
    }

    private func scalar(from start: Int) -> Range<Int>? {
        start < index ? start..<index : nil
    }

    private mutating func skipString() -> Range<Int>? {
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: "\"") else { return nil }
        let start = index
        index += 1
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return start..<index
            case UInt8(ascii: "\\"):
                index += 2
            default:
                index += 1
            }
        }
        return nil
    }

    /// Takes a character, with the space before it. Returns whether it comes next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    mutating func takeNull() -> Bool {
        skipSpace()
        guard bytes[index...].starts(with: "null".utf8) else { return false }
        index += 4
        return true
    }

    /// Takes a string without escapes; `nil` when none comes next.
    mutating func takePlainString() -> String? {
        guard take("\"") else { return nil }
        let start = index
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                defer { index += 1 }
                return String(validating: bytes[start..<index], as: UTF8.self)
            case UInt8(ascii: "\\"), 0..<0x20:
                return nil
            default:
                index += 1
            }
        }
        return nil
    }

    private mutating func skipSpace() {
        while index < bytes.endIndex {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }
}
