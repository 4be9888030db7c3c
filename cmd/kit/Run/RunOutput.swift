import Synchronization

/// What `kit run` shows: the lines of services and its own, one at a time.
final class RunOutput: Sendable {
    private let names: [String]
    // Held while a line is written, so that lines of different services never mix.
    private let turn = Mutex(())

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

    /// Writes whole lines.
    func write(_ lines: String, to terminal: Terminal) {
        if lines.isEmpty { return }
        turn.withLock { _ in terminal.write(lines) }
    }

    /// Says what became of a service.
    func say(_ message: String, about service: Int? = nil) {
        let subject = service.map { "\(names[$0]): " } ?? ""
        write("\(Terminal.error.styled("kit:", .bold)) \(subject)\(message)\n", to: .error)
    }
}
