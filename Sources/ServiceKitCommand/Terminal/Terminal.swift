import Glibc
import ServiceKit
import ServiceKitConfig

/// What the command prints to, and how it may be dressed.
struct Terminal: Sendable {
    /// Whether text may be coloured: on a terminal, unless `NO_COLOR` is set (https://no-color.org).
    let hasColor: Bool
    /// Whether what was printed can be drawn over.
    let canRedraw: Bool
    private let file: CInt

    static let output = Terminal(STDOUT_FILENO)
    static let error = Terminal(STDERR_FILENO)

    private init(_ file: CInt, environment: [String: String] = ProcessEnvironment.current) {
        self.file = file
        canRedraw = isatty(file) == 1 && environment["TERM"] != "dumb"
        hasColor = canRedraw && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// Prints a line, at once also into a pipe.
    func print(_ line: String = "") {
        write(line + "\n")
    }

    /// Prints lines without waiting for whoever reads them, for a command that goes on whatever becomes of its output:
    /// what does not fit into the queue of ``OutputWriter`` is left out, and counted there.
    func post(_ lines: String) {
        for line in lines.split(separator: "\n", omittingEmptySubsequences: false) { writer.write("\(line)\n") }
    }

    /// Writes text, and suspends the task, not its thread, as long as there is no room for it. The text is left out when
    /// the task is cancelled meanwhile.
    func send(_ text: String) async {
        await writer.writeWhenRoom(text)
    }

    /// From now on ``send(_:)`` waits for nobody.
    func stopWaiting() {
        writer.stopWaiting()
    }

    /// Waits until it was found that whoever read has gone, or the task is cancelled.
    func waitUntilAbandoned() async {
        _ = await writer.isAbandoned.first(where: \.self)
    }

    private var writer: OutputWriter { file == STDOUT_FILENO ? .standardOutput : .standardError }

    /// Prints text as it is; blocks as long as whoever reads does not.
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // Whoever read has gone: there is nobody to tell.
            if count <= 0 { return }
            written += count
        }
    }

    /// Text in a style, where that can be seen.
    func styled(_ text: String, _ style: Style) -> String {
        hasColor ? "\u{1B}[\(style.code)m\(text)\u{1B}[0m" : text
    }

    /// A way to set text off.
    struct Style: Sendable {
        let code: String

        static let bold = Style(code: "1")
        static let dim = Style(code: "2")
        static let red = Style(code: "31")
        static let green = Style(code: "32")
        static let yellow = Style(code: "33")

        /// Colours that are told apart, for things that have a number.
        static func distinct(_ number: Int) -> Style {
            Style(code: "\(31 + (number + 5) % 6)")
        }
    }
}

/// The system's `write`, which the method of that name hides.
private func systemWrite(_ file: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}

/// What a command could not do: one line that names the thing and the remedy.
///
/// Passwords of URLs in it are masked. ArgumentParser prints it on standard error, and the exit code is 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = URLSecrets.masked(description)
    }
}
