import GRPCCore
import GRPCNghttp2Transport
import ServiceKitHTTP2

extension HeaderBlock {
    /// The names under which metadata is sent.
    enum MetadataNames {
        /// Their own.
        case headers
        /// Those of the trailers of a unary response in Connect: `trailer-NAME`.
        case connectTrailers
    }

    /// Appends the trailers of an error, and the headers that HTTP has for them.
    mutating func append(_ error: CallError, as names: MetadataNames = .headers) {
        appendSendable(error.trailers, as: names)
        if let seconds = error.retryAfter { append(name: "retry-after", number: seconds) }
    }

    /// Appends metadata as far as it can be sent: an entry that cannot is left out, for the response must get through.
    mutating func appendSendable(_ metadata: Metadata, as names: MetadataNames = .headers) {
        for (key, value) in metadata {
            let name =
                switch names {
                case .headers: key
                case .connectTrailers: "trailer-\(key)"
                }
            var entry = Metadata()
            switch value {
            case .string(let text): entry.addString(text, forKey: name)
            case .binary(let bytes): entry.addBinary(bytes, forKey: name)
            }
            do throws(MetadataError) { try append(entry) } catch { continue }
        }
    }
}
