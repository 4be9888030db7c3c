import Foundation
import Synchronization

/// A pipe in place of standard error, and its reader.
final class LogPipe: Sendable {
    struct Counts {
        /// Lines of calls and of the storm.
        var lines = 0
        /// How many other lines were dropped, according to the log.
        var dropped = 0

        var logged: Int { lines + dropped }
    }

    private struct State {
        var counts = Counts()
        var bytesPerSecond: Int?
    }

    private let state = Mutex(State())

    /// The bytes read so far.
    var counts: Counts { state.withLock(\.counts) }

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0, dup2(ends[1], STDERR_FILENO) >= 0 else { throw POSIXError(.EMFILE) }
        close(ends[1])
        let reader = ends[0]
        Thread.detachNewThread { [self] in
            var rest: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 16_384)
            while true {
                let count = Foundation.read(reader, &buffer, buffer.count)
                if count <= 0 { return }
                rest += buffer[..<count]
                var counts = Counts()
                var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                let partial = lines.removeLast()
                for line in lines { counts.add(line) }
                rest = Array(partial)
                let pause = state.withLock { state in
                    state.counts.lines += counts.lines
                    state.counts.dropped += counts.dropped
                    return state.bytesPerSecond.map { Double(count) / Double($0) }
                }
                // The reader has a thread of its own, and reads at the requested rate.
                if let pause { usleep(UInt32(pause * 1_000_000)) }
            }
        }
    }

    /// Reads at this rate from now on; without a number, as fast as the lines come.
    func read(bytesPerSecond: Int?) {
        state.withLock { $0.bytesPerSecond = bytesPerSecond }
    }

    /// Waits until this many lines were read or reported as dropped, for ten seconds at most.
    func wait(for logged: Int) async {
        let end = ContinuousClock.now + .seconds(10)
        while counts.logged < logged, .now < end { try? await Task.sleep(for: .milliseconds(50)) }
    }
}

extension LogPipe.Counts {
    private static let notice = Array(" warning servicekit.log: dropped=".utf8)
    private static let ends = ["] call", "] a line of the storm"].map { Array($0.utf8) }

    /// Cheap, as it takes time from the calls that are measured.
    fileprivate mutating func add(_ line: ArraySlice<UInt8>) {
        // The time stands before the text.
        let text = line.dropFirst(24)
        if text.starts(with: Self.notice) {
            let digits = text.dropFirst(Self.notice.count).prefix { $0 != UInt8(ascii: " ") }
            dropped += Int(String(decoding: digits, as: UTF8.self)) ?? 0
        } else if Self.ends.contains(where: { line.suffix($0.count).elementsEqual($0) }) {
            lines += 1
        }
    }
}
