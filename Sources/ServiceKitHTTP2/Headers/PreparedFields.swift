import CServiceKitNghttp2

/// Header fields that many streams send, in nghttp2's form: none of them copies or measures them.
// @unchecked: the memory is written once, by the initialiser, and only read afterwards.
package final class PreparedFields: @unchecked Sendable {
    let fields: UnsafeMutableBufferPointer<nghttp2_nv>
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    /// The size of the fields in bytes as HTTP/2 measures it.
    package let listSize: Int

    package init(_ block: HeaderBlock) {
        listSize = block.listSize
        fields = .allocate(capacity: block.count)
        bytes = .allocate(capacity: block.storage.count)
        let memory = bytes
        var used = 0
        /// Copies a text to memory that stays where it is.
        func keep(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeMutableBufferPointer<UInt8> {
            let end = memory[used...].initialize(fromContentsOf: text)
            defer { used = end }
            return UnsafeMutableBufferPointer(rebasing: memory[used..<end])
        }
        var index = 0
        block.forEach { name, value in
            let (name, value) = (keep(name), keep(value))
            let field = nghttp2_nv(
                name: name.baseAddress,
                value: value.baseAddress,
                namelen: name.count,
                valuelen: value.count,
                flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
            )
            fields.initializeElement(at: index, to: field)
            index += 1
        }
    }

    deinit {
        fields.deallocate()
        bytes.deallocate()
    }

    /// Calls `body` with the fields behind those that all responses of the connection begin with. The memory is valid during
    /// the call only, except that of the fields.
    func withFields<Result>(
        behind common: CommonFields?,
        _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
    ) -> Result {
        let leading = UnsafeBufferPointer(common?.leading ?? .init(start: nil, count: 0))
        return withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: leading.count + fields.count) { all in
            let end = all[...].initialize(fromContentsOf: leading)
            _ = all[end...].initialize(fromContentsOf: fields)
            return body(UnsafeBufferPointer(all))
        }
    }
}
