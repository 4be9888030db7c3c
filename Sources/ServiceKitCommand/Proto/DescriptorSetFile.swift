import ServiceKitProtobuf
import SwiftProtobuf

/// protoc's description of .proto files: a `google.protobuf.FileDescriptorSet`.
///
/// Protobuf's texts are UTF-8. But protoc copies comments unchanged, and comments of old files are GBK or Latin-1.
struct DescriptorSetFile {
    let bytes: [UInt8]

    /// The number of the files' field in a set.
    private static let fileField: Int32 = 1
    /// The number of the name's field in a file.
    private static let nameField: Int32 = 1
    /// The numbers of the fields on the way from a file to the places of its declarations: `source_code_info` and
    /// `location`.
    private static let locations: [Int32] = [9, 1]
    /// The numbers of the comments' fields in such a place.
    private static let comments: Set<Int32> = [3, 4, 6]

    /// The files. In comments, bytes that are not UTF-8 are replaced. Invalid UTF-8 elsewhere is the error that
    /// `failure` makes from the file's name. Throws `DescriptorError`, too.
    func files(failure: (String) -> CommandFailure) throws -> [Google_Protobuf_FileDescriptorProto] {
        var files: [Google_Protobuf_FileDescriptorProto] = []
        var reader = WireReader(bytes[...])
        while !reader.isAtEnd {
            let (number, type) = try reader.tag()
            guard number == Self.fileField, type == .delimited else {
                try reader.skip(type, number: number, depth: 0)
                continue
            }
            let file = try reader.delimited()
            do {
                files.append(try Google_Protobuf_FileDescriptorProto(serializedBytes: Array(file)))
            } catch BinaryDecodingError.invalidUTF8 {
                let repaired = try Self.repaired(file, below: Self.locations[...])
                do {
                    files.append(try Google_Protobuf_FileDescriptorProto(serializedBytes: repaired))
                } catch BinaryDecodingError.invalidUTF8 {
                    throw failure(try Self.name(of: file))
                }
            }
        }
        return files
    }

    private static func name(of file: ArraySlice<UInt8>) throws -> String {
        var reader = WireReader(file)
        while !reader.isAtEnd {
            let (number, type) = try reader.tag()
            if number == nameField, type == .delimited {
                return String(decoding: try reader.delimited(), as: UTF8.self)
            }
            try reader.skip(type, number: number, depth: 0)
        }
        return ""
    }

    /// Repairs a message: the comments of all places become UTF-8. The path has the numbers of the fields on the way to
    /// the places.
    private static func repaired(
        _ message: ArraySlice<UInt8>,
        below path: ArraySlice<Int32>
    ) throws(DescriptorError) -> [UInt8] {
        var reader = WireReader(message)
        var writer = WireWriter()
        while !reader.isAtEnd {
            let (number, type) = try reader.tag()
            writer.tag(number, type)
            switch type {
            case .varint: writer.varint(try reader.varint())
            case .fixed32: writer.fixed(try reader.fixed() as UInt32)
            case .fixed64: writer.fixed(try reader.fixed() as UInt64)
            case .delimited:
                let content = try reader.delimited()
                if path.first == number {
                    writer.delimited(try repaired(content, below: path.dropFirst()))
                } else if path.isEmpty, comments.contains(number) {
                    writer.delimited(Array(String(decoding: content, as: UTF8.self).utf8))
                } else {
                    writer.delimited(content)
                }
            case .groupStart, .groupEnd: throw DescriptorError("a descriptor has no groups")
            }
        }
        return writer.bytes
    }
}
