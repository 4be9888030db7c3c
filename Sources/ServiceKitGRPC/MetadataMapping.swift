internal import GRPCCore
internal import ServiceKit

extension CallMetadata {
    /// The headers of a gRPC call.
    init(_ metadata: Metadata) {
        self.init()
        if metadata.isEmpty { return }
        reserveCapacity(metadata.count)
        for (name, value) in metadata {
            switch value {
            case .string(let text): append(.string(text), for: name)
            case .binary(let bytes): append(.binary(bytes), for: name)
            }
        }
    }
}

extension LoadReport {
    /// The report in the trailers of an answer; `nil` if there is none that can be read.
    init?(_ trailers: Metadata) {
        // Most answers have no trailers.
        if trailers.isEmpty { return nil }
        for value in trailers[binaryValues: Self.trailer] {
            self.init(bytes: value)
            return
        }
        return nil
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
}

extension CallResult {
    /// The error in gRPC's form, with the trailers that middleware has changed; `nil` when the call succeeded.
    var rpcError: RPCError? {
        guard let error else { return nil }
        var rpcError = RPCError(describing: error)
        if areTrailersChanged {
            for entry in trailers { rpcError.metadata.removeAllValues(forKey: entry.name) }
            rpcError.metadata.append(trailers)
        }
        return rpcError
    }
}
