import CServiceKitNghttp2

extension nghttp2_nv {
    /// A field that nghttp2 may refer to without copying it.
    init(immortal name: StaticString, _ value: StaticString) {
        // nghttp2 declares its fields mutable but only reads them; the bytes of a static string are never freed.
        self.init(
            name: UnsafeMutablePointer(mutating: name.utf8Start),
            value: UnsafeMutablePointer(mutating: value.utf8Start),
            namelen: name.utf8CodeUnitCount,
            valuelen: value.utf8CodeUnitCount,
            flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
        )
    }
}

/// The fields that a header block is put between: nghttp2 refers to their memory, so whoever owns it outlives the session
/// that they are used with.
struct SurroundingFields {
    let leading: UnsafeMutableBufferPointer<nghttp2_nv>
    let trailing: UnsafeMutableBufferPointer<nghttp2_nv>

    init(leading: [nghttp2_nv], trailing: [nghttp2_nv]) {
        self.leading = .allocate(capacity: leading.count)
        _ = self.leading.initialize(from: leading)
        self.trailing = .allocate(capacity: trailing.count)
        _ = self.trailing.initialize(from: trailing)
    }

    func deallocate() {
        self.leading.deallocate()
        self.trailing.deallocate()
    }
}

/// The fields that begin every gRPC response.
// @unchecked: the memory is written once, by the initialiser, before anyone else can see it, and never freed.
struct ResponseHeadTemplate: @unchecked Sendable {
    let fields: SurroundingFields

    private init(accepting encodings: MessageEncodings) {
        self.fields = SurroundingFields(
            leading: [
                nghttp2_nv(immortal: ":status", "200"),
                nghttp2_nv(immortal: "content-type", "application/grpc"),
                nghttp2_nv(immortal: "grpc-accept-encoding", encodings.acceptEncoding),
            ],
            trailing: []
        )
    }

    private static let all: [MessageEncodings: Self] = {
        let sets: [MessageEncodings] = [.init(), .init([.deflate]), .init([.gzip]), .init([.deflate, .gzip])]
        return Dictionary(uniqueKeysWithValues: sets.map { ($0, Self(accepting: $0)) })
    }()

    /// One for each set of encodings, made once.
    static func template(accepting encodings: MessageEncodings) -> Self? {
        Self.all[encodings]
    }
}

/// The fields that all requests of a connection have, around `:path` and the call's own.
final class RequestHeadTemplate {
    let fields: SurroundingFields
    private let values: UnsafeMutableBufferPointer<UInt8>

    init(scheme: StaticString, authority: String, userAgent: String, acceptedEncodings: MessageEncodings) {
        let authority = Authority.encode(authority)
        let bytes = Array(authority.utf8) + Array(userAgent.utf8)
        self.values = .allocate(capacity: bytes.count)
        _ = self.values.initialize(from: bytes)
        self.fields = SurroundingFields(
            leading: [
                nghttp2_nv(immortal: ":method", "POST"),
                nghttp2_nv(immortal: ":scheme", scheme),
                Self.field(":authority", self.values[..<authority.utf8.count]),
            ],
            trailing: [
                nghttp2_nv(immortal: "te", "trailers"),
                nghttp2_nv(immortal: "content-type", "application/grpc"),
                nghttp2_nv(immortal: "grpc-accept-encoding", acceptedEncodings.acceptEncoding),
                Self.field("user-agent", self.values[authority.utf8.count...]),
            ]
        )
    }

    deinit {
        self.fields.deallocate()
        self.values.deallocate()
    }

    private static func field(
        _ name: StaticString,
        _ value: Slice<UnsafeMutableBufferPointer<UInt8>>
    ) -> nghttp2_nv {
        var field = nghttp2_nv(immortal: name, "")
        let value = UnsafeMutableBufferPointer(rebasing: value)
        if let start = value.baseAddress {
            field.value = start
            field.valuelen = value.count
        }
        return field
    }
}

extension HeaderBlock {
    /// Calls `body` with the whole block as nghttp2 wants it. The memory is valid during the call only, but for that
    /// of the surrounding fields.
    func withFields<Result>(
        around surrounding: SurroundingFields?,
        _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
    ) -> Result {
        let leading = UnsafeBufferPointer(surrounding?.leading ?? .init(start: nil, count: 0))
        let trailing = UnsafeBufferPointer(surrounding?.trailing ?? .init(start: nil, count: 0))
        let capacity = leading.count + self.count + trailing.count
        return withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: capacity) { fields in
            var end = fields[...].initialize(fromContentsOf: leading)
            self.forEach { name, value in
                fields.initializeElement(
                    at: end,
                    to: nghttp2_nv(
                        name: UnsafeMutablePointer(mutating: name.baseAddress),
                        value: UnsafeMutablePointer(mutating: value.baseAddress),
                        namelen: name.count,
                        valuelen: value.count,
                        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
                    )
                )
                end += 1
            }
            _ = fields[end...].initialize(fromContentsOf: trailing)
            return body(UnsafeBufferPointer(fields))
        }
    }
}
