import ServiceKitHTTP2

/// How the messages of one direction of a call are compressed
/// (https://github.com/grpc/grpc/blob/master/doc/compression.md).
package enum MessageEncoding: UInt8, Sendable, CaseIterable {
    case identity
    case deflate
    case gzip

    /// Its value in `grpc-encoding`.
    package var name: StaticString {
        switch self {
        case .identity: "identity"
        case .deflate: "deflate"
        case .gzip: "gzip"
        }
    }

    /// Reads a value of `grpc-encoding`; `nil` if it is not known.
    package init?(_ value: UnsafeBufferPointer<UInt8>) {
        guard let encoding = Self.allCases.first(where: { value.equals($0.name) }) else { return nil }
        self = encoding
    }
}

/// The encodings that one side of a connection reads.
struct MessageEncodings: Sendable, Hashable {
    private var bits: UInt8 = 1 << MessageEncoding.identity.rawValue

    init(_ encodings: some Sequence<MessageEncoding> = []) {
        for encoding in encodings { insert(encoding) }
    }

    /// All known encodings.
    static let all = Self(MessageEncoding.allCases)

    /// Reads a value of `grpc-accept-encoding`; unknown encodings are left out.
    init(acceptEncoding value: UnsafeBufferPointer<UInt8>) {
        for name in value.split(separator: UInt8(ascii: ",")) {
            if let encoding = MessageEncoding(UnsafeBufferPointer(rebasing: name).trimmed) {
                insert(encoding)
            }
        }
    }

    mutating func insert(_ encoding: MessageEncoding) {
        bits |= 1 << encoding.rawValue
    }

    func contains(_ encoding: MessageEncoding) -> Bool {
        bits & 1 << encoding.rawValue != 0
    }

    /// The value of `grpc-accept-encoding` for these encodings.
    var acceptEncoding: StaticString {
        switch (contains(.deflate), contains(.gzip)) {
        case (true, true): "identity,deflate,gzip"
        case (true, false): "identity,deflate"
        case (false, true): "identity,gzip"
        case (false, false): "identity"
        }
    }
}

extension HeaderBlock {
    /// Appends the field that tells how messages are compressed, if they are.
    mutating func append(_ encoding: MessageEncoding) {
        if encoding != .identity {
            self.append(name: "grpc-encoding", value: "\(encoding.name)")
        }
    }
}
