import Glibc
import ServiceKit
import ServiceKitConfig
import Synchronization
import SystemPackage

/// A standard file of the command, with its abilities.
struct Terminal: Sendable {
    /// Whether text may be coloured: on a terminal, unless `NO_COLOR` is set (https://no-color.org).
    let hasColor: Bool
    /// Whether printed lines can be overwritten.
    let canRedraw: Bool
    private let file: CInt

    static let output = Terminal(STDOUT_FILENO)
    static let error = Terminal(STDERR_FILENO)

    private init(_ file: CInt, environment: [String: String] = ProcessEnvironment.current) {
        self.file = file
        canRedraw = isatty(file) == 1 && environment["TERM"] != "dumb"
        hasColor = canRedraw && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// Prints a line at once, into a pipe too.
    func print(_ line: String = "") {
        write(line + "\n")
    }

    /// Prints lines without waiting for their reader, for a command that goes on regardless of its output. Lines that
    /// do not fit into the queue of ``OutputWriter`` are dropped and counted there.
    func post(_ lines: String) {
        for line in lines.split(separator: "\n", omittingEmptySubsequences: false) { writer.write("\(line)\n") }
    }

    /// Writes text. Suspends the task, not its thread, while there is no room. The text is dropped if the task is
    /// cancelled meanwhile.
    func send(_ text: String) async {
        if !text.isEmpty { await writer.writeWhenRoom(text) }
    }

    /// Makes ``send(_:)`` drop text that does not fit, instead of waiting.
    func stopWaiting() {
        writer.stopWaiting()
    }

    /// Waits until the reader has gone, or the task is cancelled.
    func waitUntilAbandoned() async {
        _ = await writer.isAbandoned.first(where: \.self)
    }

    private var writer: OutputWriter { file == STDOUT_FILENO ? .standardOutput : .standardError }

    /// Prints text unchanged. Blocks while the reader does not read. A failure is kept for ``outputFailure``.
    func write(_ text: String) {
        do {
            _ = try FileDescriptor(rawValue: file).writeAll(text.utf8)
        } catch {
            // A reader that has gone has seen enough.
            guard file == STDOUT_FILENO, let code = error as? Errno, code != .brokenPipe else { return }
            Self.firstFailure.withLock { $0 = $0 ?? code }
        }
    }

    private static let firstFailure = Mutex<Errno?>(nil)

    /// Why the output of the command is not complete: its disk is full, for example. `nil` as long as it is complete.
    static var outputFailure: CommandFailure? {
        firstFailure.withLock { $0 }.map { CommandFailure("standard output cannot be written: \($0)") }
    }

    /// The text in a style, if the terminal can show it.
    func styled(_ text: String, _ style: Style) -> String {
        hasColor ? "\u{1B}[\(style.code)m\(text)\u{1B}[0m" : text
    }

    struct Style: Sendable {
        let code: String

        static let bold = Style(code: "1")
        static let dim = Style(code: "2")
        static let red = Style(code: "31")
        static let green = Style(code: "32")
        static let yellow = Style(code: "33")

        /// A colour for a number. Small numbers have different colours.
        static func distinct(_ number: Int) -> Style {
            Style(code: "\(31 + (number + 5) % 6)")
        }
    }
}

/// The failure of a command: one line with the cause and the remedy.
///
/// Passwords of URLs in it are masked. ArgumentParser prints it on standard error, and the exit code is 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = URLSecrets.masked(description)
    }
}
