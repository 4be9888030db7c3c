import ProtobufDescriptors
import SwiftProtobuf

/// The Swift file beside the generated code that holds the descriptors of `.proto` files, for server reflection; as
/// `scripts/proto` of this package writes it.
struct DescriptorsFile {
    private static let lineLength = 100

    /// The name of the constant: `userDescriptors` for `user.proto`.
    let constant: String
    /// The `.proto` files, as given to protoc.
    let sources: [String]
    /// A serialized `google.protobuf.FileDescriptorSet` with what they import: what protoc writes by
    /// `--include_imports --descriptor_set_out=FILE`.
    let set: [UInt8]

    init(constant: String, sources: [String], set: [UInt8]) {
        self.constant = constant
        self.sources = sources
        self.set = set
    }

    /// Takes a set in protobuf's text format, which a template can be: what
    /// `protoc --decode=google.protobuf.FileDescriptorSet google/protobuf/descriptor.proto` prints.
    ///
    /// - Throws: `TextFormatDecodingError`.
    init(constant: String, sources: [String], text: String) throws {
        let set = try Google_Protobuf_FileDescriptorSet(textFormatString: text)
        self.init(constant: constant, sources: sources, set: try set.serializedBytes())
    }

    /// The file.
    var text: String {
        let sources = sources.joined(separator: " ")
        var base64 = Base64.encode(set)[...]
        var lines: [String] = []
        while !base64.isEmpty {
            lines.append("    \(base64.prefix(Self.lineLength))")
            base64 = base64.dropFirst(Self.lineLength)
        }
        return """
            // DO NOT EDIT.
            // swift-format-ignore-file
            //
            // Generated from the output of the protocol buffer compiler.
            // Source: \(sources)

            /// The descriptors of \(sources) and what is imported there, for server reflection: a
            /// `google.protobuf.FileDescriptorSet` in base64.
            public let \(constant) = \"""
            \(lines.joined(separator: "\\\n"))
                \"""

            """
    }
}
