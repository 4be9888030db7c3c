/// An ordered list of header fields, kept in one buffer.
///
/// A field is stored as the length of its name and of its value (four bytes each), the name, the value. One allocation
/// holds the whole block, which matters because each call has three of them.
package struct HeaderBlock: Sendable, Hashable {
    @usableFromInline var storage: [UInt8] = []
    /// The number of fields.
    package private(set) var count = 0

    // Computed: a stored one would cost another module a call for each use.
    @inlinable static var lengthBytes: Int { 4 }
    /// The bytes that HTTP/2 adds for each field when it measures a block (RFC 9113, section 6.5.2).
    static let fieldOverhead = 32

    /// The largest field that is put together before the block grows, in bytes.
    private static let smallField = 256
    /// The most digits of a number.
    private static let mostDigits = 20
    /// Room for the head of most responses, in bytes.
    private static let roomForHead = 240

    package init() {}

    /// A block with room for a number of bytes.
    init(capacity: Int) {
        storage.reserveCapacity(capacity)
    }

    /// The head of a response, with room for some fields.
    package init(status: Int) {
        self.init(capacity: Self.roomForHead)
        append(name: ":status", number: status)
    }

    package init(_ fields: KeyValuePairs<String, String>) {
        for (name, value) in fields {
            append(name: name, value: value)
        }
    }

    /// The size of the block in bytes as HTTP/2 measures it.
    package var listSize: Int {
        storage.count + count * (Self.fieldOverhead - 2 * Self.lengthBytes)
    }

    mutating func removeAll() {
        storage.removeAll(keepingCapacity: true)
        count = 0
    }

    mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        count += 1
        let size = 2 * Self.lengthBytes + name.count + value.count
        guard size <= Self.smallField else {
            appendLengths(name.count, value.count)
            storage.append(contentsOf: name)
            storage.append(contentsOf: value)
            return
        }
        // The array grows once, by a field that is put together on the stack.
        withUnsafeTemporaryAllocation(byteCount: Self.smallField, alignment: 4) { field in
            field.storeBytes(of: UInt32(truncatingIfNeeded: name.count), as: UInt32.self)
            field.storeBytes(
                of: UInt32(truncatingIfNeeded: value.count), toByteOffset: Self.lengthBytes, as: UInt32.self)
            let rest = UnsafeMutableRawBufferPointer(rebasing: field[(2 * Self.lengthBytes)...])
            rest.copyMemory(from: UnsafeRawBufferPointer(name))
            UnsafeMutableRawBufferPointer(rebasing: rest[name.count...]).copyMemory(from: UnsafeRawBufferPointer(value))
            storage.append(contentsOf: UnsafeRawBufferPointer(rebasing: field[..<size]))
        }
    }

    package mutating func append(name: String, value: String) {
        name.withBytes { name in value.withBytes { append(name: name, value: $0) } }
    }

    /// Appends a field whose name may have upper-case letters.
    mutating func append(lowercasing name: String, value: String) {
        let start = storage.count + 2 * Self.lengthBytes
        append(name: name, value: value)
        storage.withUnsafeMutableBufferPointer { storage in
            for index in start..<start + name.utf8.count
            where (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(storage[index]) {
                storage[index] |= 0x20
            }
        }
    }

    /// Appends a field with a number.
    package mutating func append(name: StaticString, number: Int) {
        let name = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        // The digits are put together on the stack, the last one first.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.mostDigits) { digits in
            var rest = UInt(clamping: number)
            var start = digits.count
            repeat {
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(rest % 10))
                rest /= 10
            } while rest > 0
            append(name: name, value: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    /// Appends all fields of another block.
    package mutating func append(_ other: HeaderBlock) {
        if other.count == 0 { return }
        storage += other.storage
        count += other.count
    }

    /// Room for a timeout and another small field, so that the block does not grow for them.
    private static let roomBehindPath = 96

    /// Appends a path of two components, without making a string of them: `/first/second`.
    package mutating func appendPath(_ first: String, _ second: String) {
        let name: StaticString = ":path"
        let slash = UInt8(ascii: "/")
        let length = 2 + first.utf8.count + second.utf8.count
        storage.reserveCapacity(
            storage.count + 2 * Self.lengthBytes + name.utf8CodeUnitCount + length + Self.roomBehindPath
        )
        appendLengths(name.utf8CodeUnitCount, length)
        storage.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        storage.append(slash)
        storage.append(contentsOf: first.utf8)
        storage.append(slash)
        storage.append(contentsOf: second.utf8)
        count += 1
    }

    /// Calls `body` with each field in order. The pointers are valid during the call only.
    @inlinable package func forEach<Failure: Error>(
        _ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        try storage.withUnsafeBufferPointer { buffer throws(Failure) in
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
        withUnsafeBytes(of: lengths) { storage.append(contentsOf: $0) }
    }

    @inlinable static func length(in buffer: UnsafeBufferPointer<UInt8>, at offset: Int) -> Int {
        Int(UnsafeRawBufferPointer(buffer).loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
