internal import SwiftProtobuf

/// An extension among the options of a declaration, such as `buf.validate.field` or `google.api.http`. Its type is not
/// linked, so it is among the unknown fields.
enum CustomOption {
    /// The bytes of an option's message; several are one message in pieces. `nil` if there is none.
    static func bytes(_ number: Int32, of options: (any Message)?) -> ArraySlice<UInt8>? {
        guard let options, let bytes = try? options.serializedBytes() as [UInt8] else { return nil }
        var reader = WireReader(bytes[...])
        var found: [UInt8]?
        while !reader.isAtEnd {
            guard let (field, type) = try? reader.tag() else { return nil }
            if field == number, type == .delimited {
                guard let piece = try? reader.delimited() else { return nil }
                found = (found ?? []) + piece
            } else {
                guard (try? reader.skip(type, number: field, depth: 10)) != nil else { return nil }
            }
        }
        return found.map { $0[...] }
    }
}
