internal import SwiftProtobuf

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
        let words = name.split(separator: "_", omittingEmptySubsequences: false)
        return words.prefix(1).joined() + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}

extension FieldType.Kind {
    fileprivate init(_ proto: Google_Protobuf_FieldDescriptorProto, features: Features) {
        let typeName = proto.typeName.fullName
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

extension String {
    /// A type's full name in a descriptor, without the point before it.
    package var fullName: String { hasPrefix(".") ? String(dropFirst()) : self }
}

extension ServiceType {
    init(_ proto: Google_Protobuf_ServiceDescriptorProto, prefix: String) {
        name = prefix + proto.name
        methods = proto.method.map { method in
            MethodType(
                name: method.name,
                input: method.inputType.fullName,
                output: method.outputType.fullName,
                isClientStreaming: method.clientStreaming,
                isServerStreaming: method.serverStreaming,
                hasNoSideEffects: method.options.idempotencyLevel == .noSideEffects
            )
        }
    }
}
