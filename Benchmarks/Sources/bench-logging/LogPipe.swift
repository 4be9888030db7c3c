import Foundation
import Synchronization

/// A pipe in place of standard error, and whoever reads it.
final class LogPipe: Sendable {
    struct Counts {
        /// Lines other than those that say how many were dropped.
        var lines = 0
        var dropped = 0
    }

    private struct State {
        var counts = Counts()
        var bytesPerSecond: Int?
        var lastRead = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// What was read so far.
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
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    counts.add(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeSubrange(...end)
                }
                let pause = state.withLock { state in
                    state.counts.lines += counts.lines
                    state.counts.dropped += counts.dropped
                    state.lastRead = .now
                    return state.bytesPerSecond.map { Double(count) / Double($0) }
                }
                if let pause { usleep(UInt32(pause * 1_000_000)) }
            }
        }
    }

    /// Reads so much a second from now on; as fast as it comes without a number.
    func read(bytesPerSecond: Int?) {
        state.withLock { $0.bytesPerSecond = bytesPerSecond }
    }

    /// Waits until nothing has come for half a second.
    func waitUntilRead() async {
        let start = ContinuousClock.now
        while max(start, state.withLock(\.lastRead)) + .milliseconds(500) > .now {
            try? await Task.sleep(for: .milliseconds(50))
        }
    }
}

extension LogPipe.Counts {
    fileprivate mutating func add(_ line: String) {
        if let match = line.firstMatch(of: /servicekit\.log: dropped=(\d+)/), let count = Int(match.1) {
            dropped += count
        } else {
            lines += 1
        }
    }
}
