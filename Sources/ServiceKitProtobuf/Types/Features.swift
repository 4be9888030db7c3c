internal import SwiftProtobuf

/// The behaviour of fields, set by a file's syntax or edition and by the options inside the file.
///
/// https://protobuf.dev/editions/features/
struct Features {
    var hasImplicitPresence: Bool
    var isPacked: Bool
    var isDelimited = false
    /// Whether a number without a name is no value of an enum.
    var isClosed: Bool

    init(_ file: Google_Protobuf_FileDescriptorProto) {
        switch file.syntax {
        case "", "proto2": (hasImplicitPresence, isPacked, isClosed) = (false, false, true)
        case "proto3": (hasImplicitPresence, isPacked, isClosed) = (true, true, false)
        default: (hasImplicitPresence, isPacked, isClosed) = (false, true, false)
        }
        if file.options.hasFeatures { self = with(file.options.features) }
    }

    /// The features of a nested declaration.
    func with(_ features: Google_Protobuf_FeatureSet) -> Features {
        var result = self
        if features.hasFieldPresence { result.hasImplicitPresence = features.fieldPresence == .implicit }
        if features.hasRepeatedFieldEncoding { result.isPacked = features.repeatedFieldEncoding == .packed }
        if features.hasEnumType { result.isClosed = features.enumType == .closed }
        if features.hasMessageEncoding { result.isDelimited = features.messageEncoding == .delimited }
        return result
    }
}
