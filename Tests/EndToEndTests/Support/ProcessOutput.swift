import Foundation
import ServiceKit

/// What a process writes.
final class ProcessOutput: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isAtEnd = false

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// For the process to write to; to be closed here once the process has it.
    let writer: FileHandle
    private let state = Watched(State())

    init() throws {
        // Not for other processes that are started at the same time: they would keep it open.
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw POSIXError(.EMFILE) }
        let reader = ends[0]
        writer = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        let state = state
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(reader, &buffer, buffer.count)
                if count == -1, errno == EINTR { continue }
                if count <= 0 { break }
                state.update { $0.bytes += buffer[..<count] }
            }
            close(reader)
            state.update { $0.isAtEnd = true }
        }
    }

    /// All of it so far.
    var text: String { state.value.text }

    /// Waits until it is all there.
    func waitForEnd() async {
        _ = await state.first(where: \.isAtEnd)
    }

    /// Waits until it contains a text.
    ///
    /// - Returns: Whether it does.
    func waitFor(_ text: String) async -> Bool {
        await state.first { $0.text.contains(text) || $0.isAtEnd }?.text.contains(text) ?? false
    }
}
