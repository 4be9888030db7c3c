internal import SwiftProtobuf

extension MessageType {
    /// Reads a type. Its full name is the prefix and the proto's name; the prefix is the full name of the outer
    /// declaration and a point.
    init(_ proto: Google_Protobuf_DescriptorProto, prefix: String, features: Features) {
        // The oneofs that proto3's `optional` generates come last.
        let synthetic = Set(proto.field.filter(\.proto3Optional).map { Int($0.oneofIndex) })
        self.init(
            name: prefix + proto.name,
            fields: proto.field.map { FieldType($0, features: features) },
            oneofs: proto.oneofDecl.enumerated().filter { !synthetic.contains($0.offset) }.map(\.element.name),
            isMapEntry: proto.options.mapEntry
        )
    }
}

extension FieldType {
    init(_ proto: Google_Protobuf_FieldDescriptorProto, features: Features) {
        let features = proto.options.hasFeatures ? features.with(proto.options.features) : features
        let oneof = proto.hasOneofIndex && !proto.proto3Optional ? Int(proto.oneofIndex) : nil
        let kind = Kind(proto, features: features)
        name = proto.name
        jsonName = proto.hasJsonName ? proto.jsonName : Self.jsonName(of: proto.name)
        number = proto.number
        self.kind = kind
        isRepeated = proto.label == .repeated
        isPacked = proto.options.hasPacked ? proto.options.packed : features.isPacked
        self.oneof = oneof
        if case .message = kind {
            hasPresence = !isRepeated
        } else {
            hasPresence = !isRepeated && (oneof != nil || proto.proto3Optional || !features.hasImplicitPresence)
        }
    }

    /// protoc's default JSON name: lower camel case.
    private static func jsonName(of name: String) -> String {
        var result = ""
        var isUpper = false
        for character in name {
            if character == "_" {
                isUpper = true
            } else {
                result += isUpper ? character.uppercased() : String(character)
                isUpper = false
            }
        }
        return result
    }
}

extension FieldType.Kind {
    fileprivate init(_ proto: Google_Protobuf_FieldDescriptorProto, features: Features) {
        // A full name begins with a point.
        let typeName = proto.typeName.hasPrefix(".") ? String(proto.typeName.dropFirst()) : proto.typeName
        self =
            switch proto.type {
            case .double: .double
            case .float: .float
            case .int64: .int64
            case .uint64: .uint64
            case .int32: .int32
            case .fixed64: .fixed64
            case .fixed32: .fixed32
            case .bool: .bool
            case .string: .string
            case .group: .message(typeName, isDelimited: true)
            case .message: .message(typeName, isDelimited: features.isDelimited)
            case .bytes: .bytes
            case .uint32: .uint32
            case .enum: .enumeration(typeName)
            case .sfixed32: .sfixed32
            case .sfixed64: .sfixed64
            case .sint32: .sint32
            case .sint64: .sint64
            }
    }
}

extension ServiceType {
    init(_ proto: Google_Protobuf_ServiceDescriptorProto, prefix: String) {
        func fullName(_ name: String) -> String { name.hasPrefix(".") ? String(name.dropFirst()) : name }
        name = prefix + proto.name
        methods = proto.method.map { method in
            MethodType(
                name: method.name,
                input: fullName(method.inputType),
                output: fullName(method.outputType),
                isClientStreaming: method.clientStreaming,
                isServerStreaming: method.serverStreaming
            )
        }
    }
}
