internal import DequeModule

/// Lines that wait to be written, up to a bound. A line that does not fit is dropped and counted.
///
/// After a dropped line, all lines are dropped until half of the bound is free again, so that the output has few gaps.
/// Each gap has one line with the number of dropped lines.
struct OutputQueue: Sendable {
    /// The bounds of the queue.
    struct Limits: Hashable, Sendable {
        /// The largest number of bytes. Default: 1 MiB.
        var bytes = 1 << 20
        /// The largest number of lines. Default: 8,192.
        var lines = 8192
    }

    /// Lines that are written with one call.
    private struct Batch {
        var bytes: [UInt8] = []
        var lines = 0
    }

    /// The largest batch, in bytes. A pipe takes this many bytes as one (`PIPE_BUF`), so that the lines of several
    /// processes on one pipe do not mix. Only a longer line makes a longer batch.
    static let batchBytes = 4096

    /// The number of dropped lines that no notice has reported yet.
    private(set) var dropped = 0
    private let limits: Limits
    private let notice: @Sendable (_ dropped: Int) -> String
    private var batches: Deque<Batch> = []
    private var bytes = 0
    private var lines = 0

    /// `notice` makes the line that reports dropped lines.
    init(limits: Limits = Limits(), notice: @escaping @Sendable (_ dropped: Int) -> String) {
        self.limits = limits
        self.notice = notice
    }

    /// Whether no line waits.
    var isEmpty: Bool { batches.isEmpty }

    /// Counts a line as dropped if a line of any length would be dropped now, and returns whether that is so. Then the
    /// caller need not make the line.
    mutating func dropIfFull() -> Bool {
        if dropped == 0, lines < limits.lines { return false }
        drop()
        return true
    }

    mutating func append(_ line: UnsafeBufferPointer<UInt8>) {
        if dropped == 0, hasRoom(line.count, 1) {
            put(line, lines: 1)
        } else {
            drop()
        }
    }

    /// Adds lines, and returns whether there was room for them. Their writer keeps lines that do not fit, and offers
    /// them again. An empty queue takes lines of any length.
    mutating func offer(_ text: UnsafeBufferPointer<UInt8>, lines count: Int) -> Bool {
        guard isEmpty || dropped == 0 && hasRoom(text.count, count) else { return false }
        var rest = text[...]
        var lines = count
        // Splits the text into batches of whole lines.
        while rest.count > Self.batchBytes,
            let end = rest.prefix(Self.batchBytes).lastIndex(of: UInt8(ascii: "\n"))
        {
            let batch = UnsafeBufferPointer(rebasing: rest[...end])
            let linesOfBatch = batch.count { $0 == UInt8(ascii: "\n") }
            put(batch, lines: linesOfBatch)
            lines -= linesOfBatch
            rest = rest[(end + 1)...]
        }
        if !rest.isEmpty { put(UnsafeBufferPointer(rebasing: rest), lines: lines) }
        return true
    }

    /// Adds the last line of the process, which is never dropped.
    mutating func appendLast(_ line: UnsafeBufferPointer<UInt8>) {
        tellDropped()
        put(line, lines: 1)
    }

    /// Takes the lines to write next; `nil` when no line waits.
    mutating func take() -> [UInt8]? {
        guard let batch = batches.popFirst() else { return nil }
        bytes -= batch.bytes.count
        lines -= batch.lines
        if isHalfFree { tellDropped() }
        return batch.bytes
    }

    private var isHalfFree: Bool { bytes <= limits.bytes / 2 && lines <= limits.lines / 2 }

    private func hasRoom(_ moreBytes: Int, _ moreLines: Int) -> Bool {
        bytes + moreBytes <= limits.bytes && lines + moreLines <= limits.lines
    }

    mutating func drop(lines count: Int = 1) {
        dropped += count
        // A line that is longer than the bound finds the queue half free at once.
        if isHalfFree { tellDropped() }
    }

    private mutating func tellDropped() {
        guard dropped > 0 else { return }
        var line = notice(dropped)
        dropped = 0
        line.withUTF8 { put($0, lines: 1) }
    }

    private mutating func put(_ text: UnsafeBufferPointer<UInt8>, lines count: Int) {
        bytes += text.count
        lines += count
        if let last = batches.last, last.bytes.count + text.count <= Self.batchBytes {
            batches[batches.endIndex - 1].bytes.append(contentsOf: text)
            batches[batches.endIndex - 1].lines += count
        } else {
            var batch = Batch(lines: count)
            batch.bytes.reserveCapacity(max(text.count, Self.batchBytes))
            batch.bytes.append(contentsOf: text)
            batches.append(batch)
        }
    }
}
