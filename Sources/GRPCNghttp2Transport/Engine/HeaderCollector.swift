/// Puts a header block together as its fields come in. HTTP/2 sends one block at a time on a connection.
struct HeaderCollector {
    /// The fields so far, as long as they are within the limit.
    private(set) var block = HeaderBlock()
    /// The size of the block as HTTP/2 measures it, also beyond the limit.
    private(set) var size = 0
    let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    var isTooLarge: Bool { self.size > self.limit }

    mutating func begin() {
        self.block.removeAll()
        self.size = 0
    }

    mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        self.size += name.count + value.count + HeaderBlock.fieldOverhead
        if !self.isTooLarge {
            self.block.append(name: name, value: value)
        }
    }
}
