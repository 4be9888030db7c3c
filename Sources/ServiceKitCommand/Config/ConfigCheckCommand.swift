import ArgumentParser
import Foundation
import ServiceKit
import ServiceKitConfig

/// `kit config check`.
struct ConfigCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Finds the mistakes in configuration files.",
        discussion: """
            Each file is read by itself: its YAML, the kit's sections, and those of the plugins linked into kit \
            (kit config init - lists them). Of the service's own sections only placeholders such as ${NAME} are \
            checked: only the service knows their keys. A value is not checked \
            if its variable is not set here, or its file or another layer is missing. If a file names a source, as in \
            config.etcd, the values there are read over it, and checked too.

              kit config check config/config.yaml
              kit config check config/*.yaml

            Exit code: 0 if all files are free of mistakes, else 1.
            """
    )

    @Argument(help: ArgumentHelp("The YAML files.", valueName: "file"))
    var files: [String]

    func run() async throws {
        var count = 0
        for file in files {
            let check = await ConfigurationCheck(file: file, plugins: Kit.plugins, readsSources: true)
            check.report(file: file)
            count += check.errors.count
        }
        if count > 0 { throw CommandFailure(count == 1 ? "1 mistake; see above" : "\(count) mistakes; see above") }
    }
}

extension ConfigurationCheck {
    /// Prints the mistakes with their lines.
    func report(file: String) {
        // A file that is not UTF-8 has no line to show.
        let text = errors.isEmpty ? nil : try? String(contentsOfFile: file, encoding: .utf8)
        for error in errors {
            Terminal.output.print(error.location == nil ? "\(file): \(error)" : "\(error)")
            // The line of another origin, such as a key in etcd, is not at hand.
            let excerpt = error.location?.origin == file ? text.flatMap { SourceExcerpt(of: error, in: $0) } : nil
            for line in excerpt?.lines ?? [] { Terminal.output.print(Terminal.output.styled(line, .dim)) }
        }
        for reason in unchecked { Terminal.output.print("\(reason); note: not checked here") }
        for (name, location) in foreign {
            let place = location.map { "\($0.origin)\($0.line.map { ":\($0)" } ?? "")" } ?? file
            Terminal.output.print("\(place): note: \(name) is not a section of the kit; only the service can check it")
        }
        if errors.isEmpty { Terminal.output.print("\(file): good") }
    }
}
