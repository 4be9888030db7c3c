/// The output of `kit run`: the services' lines and its own.
///
/// A paused terminal, or a pipe that nobody empties, holds back the services' lines. Once their pipes are full,
/// services wait for the reader too. `kit` itself never waits.
struct RunOutput: Sendable {
    let names: [String]

    /// Whether lines need a name: only with several services.
    var hasPrefixes: Bool { names.count > 1 }

    func prefixer(of service: Int, on terminal: Terminal) -> LinePrefixer {
        let width = names.map(\.count).max() ?? 0
        let name = names[service] + String(repeating: " ", count: width - names[service].count)
        return LinePrefixer(prefix: terminal.styled("\(name) |", .distinct(service)) + " ")
    }

    func say(_ message: String, about service: Int? = nil) {
        let subject = service.map { "\(names[$0]): " } ?? ""
        Terminal.error.post("\(Terminal.error.styled("kit:", .bold)) \(subject)\(message)")
    }
}
