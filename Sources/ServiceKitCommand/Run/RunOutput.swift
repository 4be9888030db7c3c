/// The output of `kit run`: the lines of services and its own.
///
/// A terminal that is paused, or a pipe that nobody empties, holds back the services' lines, and so, once their pipes are
/// full, services that wait for whoever reads. It never holds back `kit` itself.
final class RunOutput: Sendable {
    private let names: [String]

    /// - Parameter names: The services' names.
    init(names: [String]) {
        self.names = names
    }

    /// Whether lines need a name: there are several services.
    var hasPrefixes: Bool { names.count > 1 }

    /// Makes what cuts one stream of a service into lines.
    func prefixer(of service: Int, on terminal: Terminal) -> LinePrefixer {
        let width = names.map(\.count).max() ?? 0
        let name = names[service] + String(repeating: " ", count: width - names[service].count)
        return LinePrefixer(prefix: terminal.styled("\(name) |", .distinct(service)) + " ")
    }

    /// Writes whole lines of a service; waits as long as there is no room for them, until ``stopWaiting()``.
    func forward(_ lines: String, to terminal: Terminal) async {
        if lines.isEmpty { return }
        await terminal.send(lines)
    }

    /// From now on nobody waits for whoever reads: everything is to end. Lines that do not fit are dropped.
    func stopWaiting() {
        Terminal.output.stopWaiting()
        Terminal.error.stopWaiting()
    }

    /// Waits until it was found that whoever read the services' output has gone, or the task is cancelled.
    func waitUntilAbandoned() async {
        await Terminal.output.waitUntilAbandoned()
    }

    /// Shows what a build has written.
    func show(_ text: String) {
        if !text.isEmpty { Terminal.error.post(text) }
    }

    /// Says what became of a service.
    func say(_ message: String, about service: Int? = nil) {
        let subject = service.map { "\(names[$0]): " } ?? ""
        Terminal.error.post("\(Terminal.error.styled("kit:", .bold)) \(subject)\(message)")
    }
}
