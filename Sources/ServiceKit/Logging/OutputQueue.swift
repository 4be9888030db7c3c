internal import DequeModule

/// Lines that wait to be written, up to a bound; a line that does not fit is dropped and counted.
///
/// Once a line was dropped, all are until half of the bound is free again, so that what is read has few gaps. Where a gap
/// is, one line says how many lines are missing there.
struct OutputQueue: Sendable {
    /// How much may wait.
    struct Limits: Hashable, Sendable {
        /// How many bytes; 1 MiB by default.
        var bytes = 1 << 20
        /// How many lines; 8192 by default.
        var lines = 8192
    }

    /// Lines that are written at once.
    private struct Batch {
        var bytes: [UInt8] = []
        var lines = 0
    }

    /// How many bytes are written at once: so many does a pipe take as one (`PIPE_BUF`), and lines of several processes
    /// that share it do not mix. Only a line that is longer makes a longer batch.
    static let batchBytes = 4096

    /// How many lines were dropped and are not told of yet.
    private(set) var dropped = 0
    private let limits: Limits
    private let notice: @Sendable (_ dropped: Int) -> String
    private var batches: Deque<Batch> = []
    private var bytes = 0
    private var lines = 0

    /// - Parameters:
    ///   - limits: How much may wait.
    ///   - notice: The line that says how many were dropped.
    init(limits: Limits = Limits(), notice: @escaping @Sendable (_ dropped: Int) -> String) {
        self.limits = limits
        self.notice = notice
    }

    /// Whether nothing waits.
    var isEmpty: Bool { batches.isEmpty }

    /// Counts a line as dropped if it would be whatever its length, so that it need not be made.
    ///
    /// - Returns: Whether it was dropped.
    mutating func dropIfFull() -> Bool {
        if dropped == 0, lines < limits.lines { return false }
        drop()
        return true
    }

    /// Adds a line, or drops it.
    mutating func append(_ line: UnsafeBufferPointer<UInt8>) {
        if dropped == 0, hasRoom(line.count, 1) {
            put(line, lines: 1)
        } else {
            drop()
        }
    }

    /// Adds lines that their writer keeps as long as they are not taken. They are taken whatever their length when nothing
    /// waits.
    ///
    /// - Returns: Whether they were taken.
    mutating func offer(_ text: UnsafeBufferPointer<UInt8>, lines count: Int) -> Bool {
        guard isEmpty || dropped == 0 && hasRoom(text.count, count) else { return false }
        var rest = text[...]
        var lines = count
        // In batches of whole lines as well.
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

    /// Adds the last line of a process, which is never dropped.
    mutating func appendLast(_ line: UnsafeBufferPointer<UInt8>) {
        tellDropped()
        put(line, lines: 1)
    }

    /// Takes the lines to write next.
    ///
    /// - Returns: Whole lines; `nil` when none waits.
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

    /// Counts lines as dropped.
    mutating func drop(lines count: Int = 1) {
        dropped += count
        // So it is at once when the line is longer than all that may wait.
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
