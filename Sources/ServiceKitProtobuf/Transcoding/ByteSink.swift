/// The bytes of an output. They grow in one piece of memory.
///
/// The memory belongs to the value, which cannot be copied: no other reference to it exists, and the value frees it. All
/// writes go through `reserve`, so none passes the end.
struct ByteSink: ~Copyable {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// Makes room for further bytes.
    @inline(__always) mutating func reserve(_ room: Int) {
        if capacity - count < room { grow(room) }
    }

    @inline(never) private mutating func grow(_ room: Int) {
        capacity = max(capacity * 2, count + room)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        grown.update(from: base, count: count)
        base.deallocate()
        base = grown
    }

    @inline(__always) mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    @inline(__always) mutating func append(_ start: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        (base + count).update(from: start, count: length)
        count += length
    }

    @inline(__always) mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let start = bytes.baseAddress { append(start, bytes.count) }
    }

    mutating func append(_ text: StaticString) {
        append(text.utf8Start, text.utf8CodeUnitCount)
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    /// Writes two bytes.
    @inline(__always) mutating func append(_ first: UInt8, _ second: UInt8) {
        reserve(2)
        base[count] = first
        base[count + 1] = second
        count += 2
    }

    /// Drops the bytes after the first ones.
    @inline(__always) mutating func truncate(to length: Int) {
        count = min(count, length)
    }

    /// Drops the first bytes.
    mutating func removeFirst(_ length: Int) {
        let length = min(length, count)
        base.update(from: base + length, count: count - length)
        count -= length
    }

    /// Replaces the last byte.
    @inline(__always) mutating func replaceLast(_ byte: UInt8) {
        if count > 0 { base[count - 1] = byte }
    }

    @inline(__always) var last: UInt8 { count > 0 ? base[count - 1] : 0 }

    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    /// Lets a function write at the end, into room for `room` bytes. It returns the number of bytes written.
    @inline(__always) mutating func write(_ room: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        reserve(room)
        count += body(base + count)
    }
}

// MARK: - The wire format

extension ByteSink {
    @inline(__always) mutating func varint(_ value: UInt64) {
        reserve(10)
        var value = value
        var end = count
        while value >= 0x80 {
            base[end] = UInt8(truncatingIfNeeded: value) | 0x80
            value >>= 7
            end += 1
        }
        base[end] = UInt8(truncatingIfNeeded: value)
        count = end + 1
    }

    @inline(__always) mutating func fixed32(_ value: UInt32) {
        reserve(4)
        UnsafeMutableRawPointer(base + count).storeBytes(of: value.littleEndian, as: UInt32.self)
        count += 4
    }

    @inline(__always) mutating func fixed64(_ value: UInt64) {
        reserve(8)
        UnsafeMutableRawPointer(base + count).storeBytes(of: value.littleEndian, as: UInt64.self)
        count += 8
    }

    /// Writes the bits of a number with a wire type.
    @inline(__always) mutating func number(_ bits: UInt64, _ type: WireType) {
        switch type {
        case .varint: varint(bits)
        case .fixed32: fixed32(UInt32(truncatingIfNeeded: bits))
        default: fixed64(bits)
        }
    }

    /// Writes the fields of a `Timestamp` or a `Duration`.
    mutating func time(_ seconds: Int64, _ nanos: Int32) {
        if seconds != 0 {
            append(0x08)
            varint(UInt64(bitPattern: seconds))
        }
        if nanos != 0 {
            append(0x10)
            varint(UInt64(bitPattern: Int64(nanos)))
        }
    }

    /// Begins a part whose length is written before it. Returns what ``close(_:)`` needs.
    @inline(__always) mutating func open() -> Int {
        append(0)
        return count
    }

    /// Ends a part: writes its length into the place before it, and moves the part when the length needs more bytes.
    @inline(__always) mutating func close(_ start: Int) {
        let length = count - start
        if length < 0x80 {
            base[start - 1] = UInt8(length)
        } else {
            closeLong(start, length)
        }
    }

    private mutating func closeLong(_ start: Int, _ length: Int) {
        let extra = (UInt64(length).bitWidth - UInt64(length).leadingZeroBitCount + 6) / 7 - 1
        reserve(extra)
        (base + start + extra).update(from: base + start, count: length)
        count = start - 1
        varint(UInt64(length))
        count += length
    }
}
