/// Puts a header block together as its fields come in. HTTP/2 sends one block at a time on a connection.
struct HeaderCollector {
    /// The fields so far, as long as they are within the limits.
    private(set) var block = HeaderBlock()
    /// The size of the block as HTTP/2 measures it, also beyond the limits.
    private(set) var size = 0
    /// The number of fields, also beyond the limits.
    private var count = 0
    private let maxBytes: Int
    private let maxFields: Int

    init(limits: TransportLimits) {
        self.maxBytes = limits.maxHeaderListBytes
        self.maxFields = limits.maxHeaderFields
    }

    /// The limit that the block exceeds.
    var excess: Limit? {
        if self.size > self.maxBytes { return .headerList }
        return self.count > self.maxFields ? .headerFields : nil
    }

    /// What the block means to its call if it exceeds a limit.
    var failure: StreamFailure? {
        switch self.excess {
        case .none: nil
        case .headerFields: .tooManyHeaderFields(limit: self.maxFields)
        case .some: .inboundHeadersTooLarge(bytes: self.size, limit: self.maxBytes)
        }
    }

    mutating func begin() {
        self.block.removeAll()
        self.size = 0
        self.count = 0
    }

    mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        self.size += name.count + value.count + HeaderBlock.fieldOverhead
        self.count += 1
        if self.excess == nil {
            self.block.append(name: name, value: value)
        }
    }
}
