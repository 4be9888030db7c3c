import ServiceKitProtobuf
import SwiftProtobuf

/// The Swift file with the descriptors of `.proto` files, for server reflection, JSON and OpenAPI. It lies beside the generated code, in
/// the format of this package's `scripts/proto`.
struct DescriptorsFile {
    private static let lineLength = 100

    /// The ending of the file's name: `user.descriptors.swift` for `user.proto`.
    static let suffix = ".descriptors.swift"

    /// The `.proto` file, as given to protoc.
    let proto: String
    /// A serialized `google.protobuf.FileDescriptorSet`: ``ProtoSet/closure(of:)``.
    let set: [UInt8]
    let constant: String
    var visibility = DirectFile.Visibility.public

    /// Default of the constant's name: that of the file.
    init(proto: String, set: [UInt8], constant: String? = nil) {
        self.proto = proto
        self.set = set
        self.constant = constant ?? Self.constant(of: proto)
    }

    /// Reads a set in protobuf's text format, the output of `protoc --decode=google.protobuf.FileDescriptorSet
    /// google/protobuf/descriptor.proto google/api/annotations.proto`. A template can hold this format. Of all options with
    /// their own messages it knows `google.api.http`. Throws `TextFormatDecodingError`.
    init(proto: String, text: String) throws {
        let set = try Google_Protobuf_FileDescriptorSet(
            textFormatString: text, extensions: Google_Api_Annotations_Extensions)
        self.init(proto: proto, set: try set.serializedBytes())
    }

    /// The names of the constants of several files in one module, by file. `a_b.proto` and `a-b.proto` get different
    /// names.
    static func constants(of protos: [String]) -> [String: String] {
        ProtoGenerator.uniqueNames(of: protos, constant) { $0 }
    }

    /// The name of the constant: `userDescriptors` for `user.proto`.
    static func constant(of proto: String) -> String {
        let words = stem(of: proto).split { !$0.isLetter && !$0.isNumber }
        let name = words.enumerated().map { $0 == 0 ? String($1) : Words.capitalized(String($1)) }.joined()
        return (name.first?.isNumber == true ? "_" : "") + name + "Descriptors"
    }

    /// A .proto file's path without the extension.
    static func stem(of proto: String) -> String {
        proto.hasSuffix(".proto") ? String(proto.dropLast(".proto".count)) : proto
    }

    var text: String {
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
            // Source: \(proto)

            /// The descriptors of \(proto) and of their imports, for server reflection: a
            /// `google.protobuf.FileDescriptorSet` in base64.
            \(visibility.keyword) let \(constant) = \"""
            \(lines.joined(separator: "\\\n"))
                \"""

            """
    }
}
