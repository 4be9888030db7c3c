internal import GRPCCore
internal import ServiceKit

extension CallMetadata {
    /// The headers of a gRPC call.
    init(_ metadata: Metadata) {
        self.init()
        reserveCapacity(metadata.count)
        for (name, value) in metadata {
            switch value {
            case .string(let text): append(.string(text), for: name)
            case .binary(let bytes): append(.binary(bytes), for: name)
            }
        }
    }
}

extension Metadata {
    /// The headers for a gRPC call.
    init(_ metadata: CallMetadata) {
        self.init()
        reserveCapacity(metadata.count)
        append(metadata)
    }

    /// Adds headers behind those of the same names.
    mutating func append(_ metadata: CallMetadata) {
        for entry in metadata {
            switch entry.value {
            case .string(let text): addString(text, forKey: entry.name)
            case .binary(let bytes): addBinary(bytes, forKey: entry.name)
            }
        }
    }

    /// The time that the caller gives the call, from `grpc-timeout`: up to eight digits and a unit.
    var grpcTimeout: Duration? {
        guard let text = self[stringValues: "grpc-timeout"].first(where: { _ in true }), text.utf8.count <= 9,
            let unit = text.last, text.dropLast().allSatisfy(\.isNumber), let amount = Int64(text.dropLast())
        else { return nil }
        switch unit {
        case "H": return .seconds(amount * 3600)
        case "M": return .seconds(amount * 60)
        case "S": return .seconds(amount)
        case "m": return .milliseconds(amount)
        case "u": return .microseconds(amount)
        case "n": return .nanoseconds(amount)
        default: return nil
        }
    }
}
