import ArgumentParser
import Foundation
import ServiceKit
import ServiceKitConfig

/// `kit config check`.
struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Finds the mistakes in configuration files.",
        discussion: """
            Each file is read by itself: its YAML, and the sections app, client, log, registry, \
            server, shutdown and startup with the registries linked into kit. Of the service's own sections only \
            placeholders such as ${NAME} are checked: only the service knows their keys. A value is not checked \
            if its variable is not set here, or its file or another layer is missing.

              kit config check config/config.yaml
              kit config check config/*.yaml

            Exit code: 0 if all files are free of mistakes, else 1.
            """
    )

    @Argument(help: ArgumentHelp("The YAML files.", valueName: "file"))
    var files: [String]

    func run() throws {
        let results = files.map { ($0, ConfigurationCheck(file: $0, plugins: Kit.plugins)) }
        for (file, check) in results { report(check, of: file) }
        let count = results.reduce(0) { $0 + $1.1.errors.count }
        if count > 0 { throw CommandFailure(count == 1 ? "1 mistake; see above" : "\(count) mistakes; see above") }
    }

    private func report(_ check: ConfigurationCheck, of file: String) {
        // A file that is not UTF-8 has no line to show.
        let text = check.errors.isEmpty ? nil : try? String(contentsOfFile: file, encoding: .utf8)
        for error in check.errors {
            Terminal.output.print(error.location == nil ? "\(file): \(error)" : "\(error)")
            for line in text.flatMap({ SourceExcerpt(of: error, in: $0) })?.lines ?? [] {
                Terminal.output.print(Terminal.output.styled(line, .dim))
            }
        }
        for reason in check.unchecked { Terminal.output.print("\(reason); note: not checked here") }
        for (name, location) in check.foreign {
            let place = location.map { "\($0.origin)\($0.line.map { ":\($0)" } ?? "")" } ?? file
            Terminal.output.print("\(place): note: \(name) is not a section of the kit; only the service can check it")
        }
        if check.errors.isEmpty { Terminal.output.print("\(file): good") }
    }
}
