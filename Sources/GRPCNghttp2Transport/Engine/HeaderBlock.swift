/// An ordered list of header fields, kept in one buffer.
///
/// A field is stored as the length of its name and of its value (four bytes each), the name, the value. One allocation
/// holds the whole block, which matters because each call has three of them.
struct HeaderBlock: Sendable, Hashable {
    private var storage: [UInt8] = []
    /// The number of fields.
    private(set) var count = 0

    private static let lengthBytes = 4
    /// What HTTP/2 adds for each field when it measures a block (RFC 9113, section 6.5.2).
    static let fieldOverhead = 32

    init() {}

    init(_ fields: KeyValuePairs<String, String>) {
        for (name, value) in fields {
            self.append(name: name, value: value)
        }
    }

    /// The size of the block in bytes as HTTP/2 measures it.
    var listSize: Int {
        self.storage.count + self.count * (Self.fieldOverhead - 2 * Self.lengthBytes)
    }

    mutating func reserveCapacity(bytes: Int) {
        self.storage.reserveCapacity(bytes)
    }

    mutating func removeAll() {
        self.storage.removeAll(keepingCapacity: true)
        self.count = 0
    }

    mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        self.appendLengths(name.count, value.count)
        self.storage.append(contentsOf: name)
        self.storage.append(contentsOf: value)
        self.count += 1
    }

    mutating func append(name: String, value: String) {
        self.appendLengths(name.utf8.count, value.utf8.count)
        self.storage.append(contentsOf: name.utf8)
        self.storage.append(contentsOf: value.utf8)
        self.count += 1
    }

    /// Appends the path of a method.
    mutating func appendPath(service: String, method: String) {
        let name: StaticString = ":path"
        let slash = UInt8(ascii: "/")
        let length = 2 + service.utf8.count + method.utf8.count
        self.storage.reserveCapacity(self.storage.count + 2 * Self.lengthBytes + name.utf8CodeUnitCount + length)
        self.appendLengths(name.utf8CodeUnitCount, length)
        self.storage.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        self.storage.append(slash)
        self.storage.append(contentsOf: service.utf8)
        self.storage.append(slash)
        self.storage.append(contentsOf: method.utf8)
        self.count += 1
    }

    /// Calls `body` with each field in order. The pointers are valid during the call only.
    func forEach<Failure: Error>(
        _ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        try self.storage.withUnsafeBufferPointer { buffer throws(Failure) in
            var offset = 0
            while offset < buffer.count {
                let nameCount = Self.length(in: buffer, at: offset)
                let valueCount = Self.length(in: buffer, at: offset + Self.lengthBytes)
                let nameStart = offset + 2 * Self.lengthBytes
                let valueStart = nameStart + nameCount
                offset = valueStart + valueCount
                try body(
                    UnsafeBufferPointer(rebasing: buffer[nameStart..<valueStart]),
                    UnsafeBufferPointer(rebasing: buffer[valueStart..<offset])
                )
            }
        }
    }

    private mutating func appendLengths(_ name: Int, _ value: Int) {
        let lengths: (UInt32, UInt32) = (UInt32(truncatingIfNeeded: name), UInt32(truncatingIfNeeded: value))
        withUnsafeBytes(of: lengths) { self.storage.append(contentsOf: $0) }
    }

    private static func length(in buffer: UnsafeBufferPointer<UInt8>, at offset: Int) -> Int {
        Int(UnsafeRawBufferPointer(buffer).loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
