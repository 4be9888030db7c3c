internal import SwiftProtobuf

/// The behaviour of fields, set by a file's syntax or edition and by the options inside the file.
///
/// https://protobuf.dev/editions/features/
struct Features {
    var hasImplicitPresence: Bool
    var isPacked: Bool
    var isDelimited = false

    init(_ file: Google_Protobuf_FileDescriptorProto) {
        switch file.syntax {
        case "", "proto2": (hasImplicitPresence, isPacked) = (false, false)
        case "proto3": (hasImplicitPresence, isPacked) = (true, true)
        default: (hasImplicitPresence, isPacked) = (false, true)
        }
        if file.options.hasFeatures { self = with(file.options.features) }
    }

    /// The features of a nested declaration.
    func with(_ features: Google_Protobuf_FeatureSet) -> Features {
        var result = self
        if features.hasFieldPresence { result.hasImplicitPresence = features.fieldPresence == .implicit }
        if features.hasRepeatedFieldEncoding { result.isPacked = features.repeatedFieldEncoding == .packed }
        if features.hasMessageEncoding { result.isDelimited = features.messageEncoding == .delimited }
        return result
    }
}
