/// The labels in a JSON text of another framework. Labels are changed one by one, and every other byte stays: the order of
/// members, the space between them, the form of a number, members that the kit does not know.
package struct JSONLabels {
    package private(set) var bytes: [UInt8]

    /// The reasons why a change is not possible.
    package enum Failure: Error {
        /// The text is no JSON object in UTF-8.
        case noObject
        /// The place of the labels holds something else than an object.
        case noPlace(member: String)
    }

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Sets labels of the object that the names of the path lead to, or removes them where the new value is `nil`.
    /// Missing objects are made. Throws ``Failure``.
    ///
    /// A member that comes more than once is changed each time, since readers differ in which of them counts. A value
    /// that was a number or a truth value stays one when the new text can be written so.
    package mutating func set(_ labels: [String: String?], at path: [String]) throws {
        for (label, value) in labels.sorted(by: { $0.key < $1.key }) {
            // One edit at a time, as each moves the bytes behind it.
            while let edit = try edit(label, to: value, at: path) {
                bytes.replaceSubrange(edit.range, with: edit.replacement)
            }
        }
    }

    private struct Edit {
        let range: Range<Int>
        let replacement: [UInt8]
    }

    /// The next edit that is needed; `nil` when there is none.
    private func edit(_ label: String, to value: String?, at path: [String]) throws -> Edit? {
        var scanner = JSONScanner(bytes)
        guard let root = scanner.object(), scanner.isAtEnd else { throw Failure.noObject }
        var objects = [root]
        for (depth, name) in path.enumerated() {
            let members = objects.flatMap { $0.members.filter { $0.name == name } }
            let made = Self.nested(label, value, path[(depth + 1)...])
            if members.isEmpty {
                guard let made, let object = objects.last else { return nil }
                return insertion(name, made, into: object)
            }
            objects = []
            for member in members {
                if bytes[member.value].elementsEqual("null".utf8) {
                    if let made { return Edit(range: member.value, replacement: made) }
                } else {
                    scanner = JSONScanner(bytes, at: member.value.lowerBound)
                    guard let object = scanner.object() else { throw Failure.noPlace(member: name) }
                    objects.append(object)
                }
            }
        }
        for object in objects {
            let indices = object.members.indices.filter { object.members[$0].name == label }
            guard let value else {
                if let index = indices.first { return removal(of: index, from: object) }
                continue
            }
            if indices.isEmpty { return insertion(label, Self.quoted(value), into: object) }
            for index in indices {
                let range = object.members[index].value
                if let replacement = Self.replacement(of: bytes[range], by: value) {
                    return Edit(range: range, replacement: replacement)
                }
            }
        }
        return nil
    }

    /// A member at the end of an object, with the space that the others have.
    private func insertion(_ name: String, _ value: [UInt8], into object: JSONScanner.Object) -> Edit {
        guard let last = object.members.last else {
            let place = object.range.lowerBound + 1
            return Edit(range: place..<place, replacement: Self.quoted(name) + Array(":".utf8) + value)
        }
        let before = object.members.dropLast().last.map { $0.value.upperBound } ?? object.range.lowerBound + 1
        let space = bytes[before..<last.key.lowerBound].filter { $0 != UInt8(ascii: ",") }
        let colon = bytes[last.key.upperBound..<last.value.lowerBound]
        let place = last.value.upperBound
        return Edit(
            range: place..<place,
            replacement: Array(",".utf8) + space + Self.quoted(name) + Array(colon) + value
        )
    }

    /// Removes a member, to the byte as an insertion adds one.
    private func removal(of index: Int, from object: JSONScanner.Object) -> Edit {
        let member = object.members[index]
        let range =
            if index > 0 {
                object.members[index - 1].value.upperBound..<member.value.upperBound
            } else if object.members.count > 1 {
                member.key.lowerBound..<object.members[1].key.lowerBound
            } else {
                member.key.lowerBound..<member.value.upperBound
            }
        return Edit(range: range, replacement: [])
    }

    /// An object with one label, inside the objects that lead to it; `nil` removes the label.
    private static func nested(_ label: String, _ value: String?, _ path: ArraySlice<String>) -> [UInt8]? {
        guard let value else { return nil }
        var result = quoted(value)
        for name in [label] + path.reversed() {
            result = Array("{".utf8) + quoted(name) + Array(":".utf8) + result + Array("}".utf8)
        }
        return result
    }

    /// The text to write in the place of a value; `nil` when it is written so already.
    private static func replacement(of old: ArraySlice<UInt8>, by new: String) -> [UInt8]? {
        switch old.first ?? 0 {
        case UInt8(ascii: "\""):
            return JSONScanner.string(old) == new ? nil : quoted(new)
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            if old.elementsEqual(new.utf8) { return nil }
            return ["true", "false"].contains(new) ? Array(new.utf8) : quoted(new)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            if old.elementsEqual(new.utf8) { return nil }
            return new.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) == nil
                ? quoted(new) : Array(new.utf8)
        default:
            return quoted(new)
        }
    }

    private static func quoted(_ text: String) -> [UInt8] {
        var result = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
            case ..<0x20: result += Array("\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8)
            default: result.append(byte)
            }
        }
        return result + [UInt8(ascii: "\"")]
    }
}
