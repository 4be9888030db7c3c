import ServiceKitConfig

/// Prints the mistakes of checks. What several checks find, such as a mistake in a file that two profiles share, is printed
/// once.
struct MistakeReport {
    private(set) var count = 0
    private var printed: Set<String> = []

    /// Prints the mistakes with their lines, and the notes. A check without a file is that of all layers.
    mutating func add(_ check: ConfigurationCheck, of file: String?) {
        let name = file ?? check.documents.map(\.origin).joined(separator: ", ")
        for error in check.errors {
            let text = error.location == nil ? [name, error.description].joined(separator: ": ") : error.description
            guard printed.insert(text).inserted else { continue }
            count += 1
            Terminal.output.print(text)
            let document = check.documents.first { $0.origin == error.location?.origin }
            // A document that is not UTF-8 has no line to show.
            let lines = document.flatMap { String(validating: $0.bytes, as: UTF8.self) }
                .flatMap { SourceExcerpt(of: error, in: $0)?.lines }
            for line in lines ?? [] { Terminal.output.print(Terminal.output.styled(line, .dim)) }
        }
        for reason in check.unchecked { note("\(reason); note: not checked here") }
        for (section, location, similar) in check.foreign {
            let place = location.map { "\($0.origin)\($0.line.map { ":\($0)" } ?? "")" } ?? name
            let question = similar.map { "did you mean \"\($0)\"? If not, only" } ?? "only"
            note("\(place): note: \(section) is not a section of the kit; \(question) the service can check it")
        }
        for section in check.pluginSections where check.errors.isEmpty {
            note(
                "\(name): note: \(section.path) needs the plugin \(section.plugin) of \(section.module) in the service")
        }
        if check.errors.isEmpty { Terminal.output.print("\(name.isEmpty ? "no file" : name): good") }
    }

    private mutating func note(_ text: String) {
        if printed.insert(text).inserted { Terminal.output.print(text) }
    }
}
