import Foundation
import ServiceKit
import ServiceKitTesting

/// What a process writes.
final class ProcessOutput: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isAtEnd = false

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// For the process to write to; to be closed here once the process has it.
    let writer: FileHandle
    /// The same, for the process to be started with.
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

    /// All of it so far.
    var text: String { state.value.text }

    /// Waits until it is all there.
    func waitForEnd() async {
        _ = await state.first(where: \.isAtEnd)
    }

    /// Waits until it contains a text so many times.
    ///
    /// - Returns: Whether it does.
    func waitFor(_ text: String, times: Int = 1) async -> Bool {
        func isThere(_ state: State) -> Bool { state.text.ranges(of: text).count >= times }
        return await state.first { isThere($0) || $0.isAtEnd }.map(isThere) ?? false
    }
}

/// Two ends of a connection, which are not for other processes that are started at the same time: they would keep it open.
func socketPair() throws -> (FileHandle, FileHandle) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw POSIXError(.EMFILE) }
    return (
        FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
        FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    )
}
