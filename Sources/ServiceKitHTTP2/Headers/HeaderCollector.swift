/// Puts a header block together as its fields come in, and checks it. HTTP/2 sends one block at a time on a connection.
///
/// Not copyable, as each look at it within the connection would copy it.
struct HeaderCollector: ~Copyable {
    /// The fields so far, as long as they are within the limits.
    private(set) var block = HeaderBlock()
    /// The size of the block as HTTP/2 measures it, also beyond the limits.
    private(set) var size = 0
    /// The number of fields, also beyond the limits.
    private var count = 0
    private(set) var rules = HeaderRules()
    /// The fault of one of the fields.
    private var fault: String?
    /// The media type in a block that is not kept.
    private var typeBehindFault: String?
    private let maxBytes: Int
    private let maxFields: Int

    init(limits: TransportLimits) {
        maxBytes = limits.maxHeaderListBytes
        maxFields = limits.maxHeaderFields
    }

    /// The limit that the block exceeds.
    var excess: Limit? {
        if size > maxBytes { return .headerList }
        return count > maxFields ? .headerFields : nil
    }

    /// The failure of the stream if the block exceeds a limit.
    var failure: StreamFailure? {
        switch excess {
        case .none: nil
        case .headerFields: .tooManyHeaderFields(limit: maxFields)
        case .some: .inboundHeadersTooLarge(bytes: size, limit: maxBytes)
        }
    }

    mutating func begin() {
        block.removeAll()
        size = 0
        count = 0
        rules = HeaderRules()
        fault = nil
        typeBehindFault = nil
    }

    /// The media type of a request that is refused: its client gets the answer in the form of its protocol.
    var contentType: String? {
        if let typeBehindFault { return typeBehindFault }
        var type: String?
        block.forEach { name, value in
            if name.equals("content-type") { type = String(decoding: value, as: UTF8.self) }
        }
        return type
    }

    mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        size += name.count + value.count + HeaderBlock.fieldOverhead
        count += 1
        // A block that is too large, or wrong, is neither kept nor checked any further.
        guard excess == nil, fault == nil else {
            if name.equals("content-type") { typeBehindFault = String(decoding: value.prefix(80), as: UTF8.self) }
            return
        }
        let value = value.trimmed
        fault = rules.check(name: name, value: value)
        if fault == nil {
            block.append(name: name, value: value)
        }
    }

    /// The fault of the whole block by HTTP/2's rules. A block that is too large is another matter.
    func fault(of kind: HeaderRules.Kind) -> String? {
        self.fault ?? (excess == nil ? rules.fault(of: kind) : nil)
    }
}
