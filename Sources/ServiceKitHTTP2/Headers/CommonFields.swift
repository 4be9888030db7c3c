import CServiceKitNghttp2

/// The fields that all requests, or all responses, of a connection share. A session keeps them for nghttp2's pointers.
// @unchecked: the memory is written once, by the initialiser, and only read afterwards.
package final class CommonFields: @unchecked Sendable {
    fileprivate let leading: UnsafeMutableBufferPointer<nghttp2_nv>
    fileprivate let trailing: UnsafeMutableBufferPointer<nghttp2_nv>
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    /// - Parameters:
    ///   - leading: The fields before those of the stream.
    ///   - trailing: The fields behind those of the stream. Default: none.
    package init(leading: KeyValuePairs<String, String>, trailing: KeyValuePairs<String, String> = [:]) {
        let texts = (Array(leading) + Array(trailing)).flatMap { [Array($0.key.utf8), Array($0.value.utf8)] }
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: texts.reduce(0) { $0 + $1.count })
        _ = bytes.initialize(from: texts.joined())
        var offset = 0
        func text(_ string: String) -> UnsafeMutableBufferPointer<UInt8> {
            defer { offset += string.utf8.count }
            return UnsafeMutableBufferPointer(rebasing: bytes[offset..<offset + string.utf8.count])
        }
        func fields(_ pairs: KeyValuePairs<String, String>) -> UnsafeMutableBufferPointer<nghttp2_nv> {
            let fields = UnsafeMutableBufferPointer<nghttp2_nv>.allocate(capacity: pairs.count)
            for (index, (name, value)) in pairs.enumerated() {
                let (name, value) = (text(name), text(value))
                let field = nghttp2_nv(
                    name: name.baseAddress,
                    value: value.baseAddress,
                    namelen: name.count,
                    valuelen: value.count,
                    flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
                )
                fields.initializeElement(at: index, to: field)
            }
            return fields
        }
        self.leading = fields(leading)
        self.trailing = fields(trailing)
        self.bytes = bytes
    }

    deinit {
        leading.deallocate()
        trailing.deallocate()
        bytes.deallocate()
    }
}

extension HeaderBlock {
    /// Calls `body` with the whole block in nghttp2's form. The memory is valid during the call only, except that of the
    /// common fields.
    func withFields<Result>(
        around surrounding: CommonFields?,
        _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
    ) -> Result {
        let leading = UnsafeBufferPointer(surrounding?.leading ?? .init(start: nil, count: 0))
        let trailing = UnsafeBufferPointer(surrounding?.trailing ?? .init(start: nil, count: 0))
        let capacity = leading.count + count + trailing.count
        return withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: capacity) { fields in
            var end = fields[...].initialize(fromContentsOf: leading)
            forEach { name, value in
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
