/// Puts a header block together as its fields come in, and checks it. HTTP/2 sends one block at a time on a connection.
struct HeaderCollector {
    /// The fields so far, as long as they are within the limits.
    private(set) var block = HeaderBlock()
    /// The size of the block as HTTP/2 measures it, also beyond the limits.
    private(set) var size = 0
    /// The number of fields, also beyond the limits.
    private var count = 0
    private(set) var rules = HeaderRules()
    /// The fault of one of the fields.
    private var fault: String?
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
        self.rules = HeaderRules()
        self.fault = nil
    }

    mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        self.size += name.count + value.count + HeaderBlock.fieldOverhead
        self.count += 1
        // What is too large, or wrong, is not kept, and not looked at any more.
        guard self.excess == nil, self.fault == nil else { return }
        let value = value.trimmed
        self.fault = self.rules.check(name: name, value: value)
        if self.fault == nil {
            self.block.append(name: name, value: value)
        }
    }

    /// The fault of the whole block by HTTP/2's rules. A block that is too large is another matter.
    func fault(of kind: HeaderRules.Kind) -> String? {
        self.fault ?? (self.excess == nil ? self.rules.fault(of: kind) : nil)
    }
}
