import CNghttp2

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

/// The fields that begin every gRPC response.
// @unchecked: the memory is written once, by `allocate`, before anyone else can see it, and never freed.
struct ResponseHeadTemplate: @unchecked Sendable {
    static let shared = ResponseHeadTemplate()

    let fields: UnsafeBufferPointer<nghttp2_nv>

    private init() {
        let fields = UnsafeMutableBufferPointer<nghttp2_nv>.allocate(capacity: 2)
        _ = fields.initialize(from: [
            nghttp2_nv(immortal: ":status", "200"),
            nghttp2_nv(immortal: "content-type", "application/grpc"),
        ])
        self.fields = UnsafeBufferPointer(fields)
    }
}

/// The fields that all requests of a connection have, around `:path` and the call's own.
///
/// It must outlive the session that it is used with, as nghttp2 refers to its memory.
final class RequestHeadTemplate {
    /// What comes before `:path`: pseudo-header fields.
    let leading: UnsafeMutableBufferPointer<nghttp2_nv>
    /// What comes after the call's own fields.
    let trailing: UnsafeMutableBufferPointer<nghttp2_nv>
    private let values: UnsafeMutableBufferPointer<UInt8>

    init(authority: String, userAgent: String) {
        let bytes = Array(authority.utf8) + Array(userAgent.utf8)
        self.values = .allocate(capacity: bytes.count)
        _ = self.values.initialize(from: bytes)
        self.leading = .allocate(capacity: 3)
        _ = self.leading.initialize(from: [
            nghttp2_nv(immortal: ":method", "POST"),
            nghttp2_nv(immortal: ":scheme", "http"),
            Self.field(":authority", self.values[..<authority.utf8.count]),
        ])
        self.trailing = .allocate(capacity: 3)
        _ = self.trailing.initialize(from: [
            nghttp2_nv(immortal: "te", "trailers"),
            nghttp2_nv(immortal: "content-type", "application/grpc"),
            Self.field("user-agent", self.values[authority.utf8.count...]),
        ])
    }

    deinit {
        self.leading.deallocate()
        self.trailing.deallocate()
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
    /// of the templates.
    func withFields<Result>(
        _ prefix: HeadPrefix,
        template: RequestHeadTemplate?,
        _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
    ) -> Result {
        var leading = UnsafeBufferPointer<nghttp2_nv>(start: nil, count: 0)
        var trailing = leading
        switch prefix {
        case .request:
            if let template {
                leading = UnsafeBufferPointer(template.leading)
                trailing = UnsafeBufferPointer(template.trailing)
            }
        case .response:
            leading = ResponseHeadTemplate.shared.fields
        case .none:
            break
        }
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
