import ServiceKitProtobuf
import SwiftProtobuf

/// A message with the kinds of fields that a URL can give, and some that it cannot.
enum RoutingSamples {
    typealias Kind = Google_Protobuf_FieldDescriptorProto.TypeEnum

    private static func field(
        _ name: String, _ number: Int32, _ kind: Kind, _ type: String = "", isRepeated: Bool = false,
        oneof: Int32? = nil
    ) -> Google_Protobuf_FieldDescriptorProto {
        var field = Google_Protobuf_FieldDescriptorProto()
        (field.name, field.number, field.type, field.typeName) = (name, number, kind, type)
        field.label = isRepeated ? .repeated : .optional
        if let oneof { field.oneofIndex = oneof }
        return field
    }

    private static func message(
        _ name: String, _ fields: [Google_Protobuf_FieldDescriptorProto],
        _ nested: [Google_Protobuf_DescriptorProto] = []
    ) -> Google_Protobuf_DescriptorProto {
        var message = Google_Protobuf_DescriptorProto()
        (message.name, message.field, message.nestedType) = (name, fields, nested)
        return message
    }

    private static func entry(_ name: String, _ key: Kind, _ value: Kind) -> Google_Protobuf_DescriptorProto {
        var entry = message(name, [field("key", 1, key), field("value", 2, value)])
        entry.options.mapEntry = true
        return entry
    }

    private static func file(
        _ name: String, _ package: String, _ messages: [Google_Protobuf_DescriptorProto]
    ) -> Google_Protobuf_FileDescriptorProto {
        var file = Google_Protobuf_FileDescriptorProto()
        (file.name, file.package, file.syntax, file.messageType) = (name, package, "proto3", messages)
        return file
    }

    static let known = file(
        "known.proto", "google.protobuf",
        [
            message("Timestamp", [field("seconds", 1, .int64), field("nanos", 2, .int32)]),
            message("Duration", [field("seconds", 1, .int64), field("nanos", 2, .int32)]),
            message("FieldMask", [field("paths", 1, .string, isRepeated: true)]),
            message("Int64Value", [field("value", 1, .int64)]),
        ])

    static let api: Google_Protobuf_FileDescriptorProto = {
        var color = Google_Protobuf_EnumDescriptorProto()
        color.name = "Color"
        for (number, name) in ["NONE", "RED"].enumerated() {
            var value = Google_Protobuf_EnumValueDescriptorProto()
            (value.name, value.number) = (name, Int32(number))
            color.value.append(value)
        }
        var user = message(
            "User",
            [
                field("id", 1, .int64), field("display_name", 2, .string), field("tags", 3, .string, isRepeated: true),
                field("color", 4, .enum, ".a.Color"), field("parent", 5, .message, ".a.User"),
                field("labels", 6, .message, ".a.User.LabelsEntry", isRepeated: true),
                field("counts", 7, .message, ".a.User.CountsEntry", isRepeated: true),
                field("born", 8, .message, ".google.protobuf.Timestamp"),
                field("age", 9, .message, ".google.protobuf.Duration"),
                field("mask", 10, .message, ".google.protobuf.FieldMask"),
                field("limit", 11, .message, ".google.protobuf.Int64Value"), field("photo", 12, .bytes),
                field("friends", 13, .message, ".a.User", isRepeated: true),
                field("numbers", 14, .int32, isRepeated: true),
                field("active", 15, .bool), field("score", 16, .double), field("one", 17, .string, oneof: 0),
                field("other", 18, .int32, oneof: 0),
            ], [entry("LabelsEntry", .string, .string), entry("CountsEntry", .int32, .int64)])
        var oneof = Google_Protobuf_OneofDescriptorProto()
        oneof.name = "choice"
        user.oneofDecl = [oneof]
        var result = file("api.proto", "a", [user])
        result.dependency = ["known.proto"]
        result.enumType = [color]
        return result
    }()

    static func transcoder(_ options: JSONOptions = JSONOptions()) throws -> JSONTranscoder {
        try JSONTranscoder("a.User", in: MessageTables(DescriptorPool([known, api])), options: options)
    }
}
