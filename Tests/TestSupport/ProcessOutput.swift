import Foundation
import ServiceKit
import ServiceKitTesting

/// The output of a process.
final class ProcessOutput: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isAtEnd = false

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// The end that the process writes to. Close it here once the process has it.
    let writer: FileHandle
    /// The same end as an argument for the start of the process.
    var stream: ChildProcess.Stream { .descriptor(writer.fileDescriptor) }
    private let state = Watched(State())

    init() throws {
        let ends = try socketPair()
        let reader = ends.0.fileDescriptor
        writer = ends.1
        Thread.detachNewThread { [state, end = ends.0] in
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(reader, &buffer, buffer.count)
                if count == -1, errno == EINTR { continue }
                if count <= 0 { break }
                state.update { $0.bytes += buffer[..<count] }
            }
            try? end.close()
            state.update { $0.isAtEnd = true }
        }
    }

    /// The output so far.
    var text: String { state.value.text }

    /// Waits for the end of the output.
    func waitForEnd() async {
        _ = await state.first(where: \.isAtEnd)
    }

    /// Waits until the output contains a text this many times.
    ///
    /// - Returns: Whether it does.
    func waitFor(_ text: String, times: Int = 1) async -> Bool {
        func isThere(_ state: State) -> Bool { state.text.ranges(of: text).count >= times }
        return await state.first { isThere($0) || $0.isAtEnd }.map(isThere) ?? false
    }
}

/// The two ends of a connection. Other processes that start at the same time do not inherit them: they would keep it
/// open.
func socketPair() throws -> (FileHandle, FileHandle) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw POSIXError(.EMFILE) }
    return (
        FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
        FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    )
}
