import CServiceKitNghttp2

/// The fields that all requests, or all responses, of a connection share. A session keeps them for nghttp2's pointers.
package final class CommonFields: Sendable {
    private let first: PreparedFields
    private let last: PreparedFields

    /// - Parameters:
    ///   - leading: The fields before those of the stream.
    ///   - trailing: The fields behind those of the stream. Default: none.
    package init(leading: KeyValuePairs<String, String>, trailing: KeyValuePairs<String, String> = [:]) {
        first = PreparedFields(HeaderBlock(leading))
        last = PreparedFields(HeaderBlock(trailing))
    }

    /// The fields before those of the stream.
    var leading: UnsafeMutableBufferPointer<nghttp2_nv> { first.fields }
    /// The fields behind those of the stream.
    var trailing: UnsafeMutableBufferPointer<nghttp2_nv> { last.fields }
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
