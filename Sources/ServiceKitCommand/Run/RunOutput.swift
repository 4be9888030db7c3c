/// The output of `kit run`: the services' lines and its own.
///
/// A paused terminal, or a pipe that nobody empties, holds back the services' lines. Once their pipes are full,
/// services wait for the reader too. `kit` itself never waits.
final class RunOutput: Sendable {
    private let names: [String]

    /// - Parameter names: The services' names.
    init(names: [String]) {
        self.names = names
    }

    /// Whether lines need a name: only with several services.
    var hasPrefixes: Bool { names.count > 1 }

    /// Creates the prefixer for one stream of a service.
    func prefixer(of service: Int, on terminal: Terminal) -> LinePrefixer {
        let width = names.map(\.count).max() ?? 0
        let name = names[service] + String(repeating: " ", count: width - names[service].count)
        return LinePrefixer(prefix: terminal.styled("\(name) |", .distinct(service)) + " ")
    }

    /// Writes whole lines of a service. Waits while there is no room for them, until ``stopWaiting()``.
    func forward(_ lines: String, to terminal: Terminal) async {
        if lines.isEmpty { return }
        await terminal.send(lines)
    }

    /// Stops all waits for the reader, since `kit` ends. Lines that do not fit are dropped.
    func stopWaiting() {
        Terminal.output.stopWaiting()
        Terminal.error.stopWaiting()
    }

    /// Waits until the reader of the services' output has gone, or the task is cancelled.
    func waitUntilAbandoned() async {
        await Terminal.output.waitUntilAbandoned()
    }

    /// Prints the output of a build.
    func show(_ text: String) {
        if !text.isEmpty { Terminal.error.post(text) }
    }

    /// Reports an event of a service.
    func say(_ message: String, about service: Int? = nil) {
        let subject = service.map { "\(names[$0]): " } ?? ""
        Terminal.error.post("\(Terminal.error.styled("kit:", .bold)) \(subject)\(message)")
    }
}
