import Foundation
import ServiceKit

/// A pipe that nobody reads before the test says so.
package final class StalledPipe: Sendable {
    /// The end to write to. It stays open as long as this process runs, since a thread may still use it.
    package let writer: Int32
    private let reader: Watched<Int32?>

    /// - Parameter isFull: Whether the pipe has no room.
    package init(isFull: Bool = true) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reader = Watched(ends[0])
        writer = ends[1]
        guard isFull else { return }
        let flags = fcntl(writer, F_GETFL)
        _ = fcntl(writer, F_SETFL, flags | O_NONBLOCK)
        let filler = [UInt8](repeating: UInt8(ascii: "."), count: 4095) + [UInt8(ascii: "\n")]
        while write(writer, filler, filler.count) > 0 {}
        _ = fcntl(writer, F_SETFL, flags)
    }

    deinit { closeReader() }

    /// Makes every later write fail.
    package func closeReader() {
        reader.update { reader in
            if let open = reader.take() { close(open) }
        }
    }

    /// Reads until a text has come, in a thread of its own. The result leaves out the bytes that filled the pipe.
    ///
    /// - Parameter pause: The pause after each read of 4 KiB.
    package func read(until end: String, pause: Duration = .zero) -> Task<String, Never> {
        let descriptor = reader.value ?? -1
        let result = Watched<String?>(nil)
        Thread.detachNewThread { [self] in
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            let last = Array(end.utf8)
            while !bytes.suffix(last.count).elementsEqual(last) {
                let count = Foundation.read(descriptor, &buffer, buffer.count)
                if count <= 0 { break }
                bytes += buffer[..<count].drop { $0 == UInt8(ascii: ".") }
                if pause > .zero { usleep(UInt32(pause / .microseconds(1))) }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            result.set(text.replacing(/(^|\n)\.*\n+/) { $0.1 })
            withExtendedLifetime(self) {}
        }
        return Task { (await result.first { $0 != nil } ?? nil) ?? "" }
    }
}
