import ArgumentParser
import Foundation
import ServiceKit
import ServiceKitConfig

/// `kit config init`.
struct ConfigInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Writes a configuration file with every option, its default and its meaning.",
        discussion: """
            The options are comments: as written, the file sets nothing. A file that exists is never replaced.

              kit config init                       writes config/config.yaml
              kit config init -                     prints it
              kit config init --schema config.schema.json

            A service also knows its own sections: swift run user-service --print-config reference
            """
    )

    @Argument(help: ArgumentHelp("The file; - for standard output.", valueName: "file"))
    var file = AppArguments.defaultFile

    @Option(help: ArgumentHelp("Names a JSON Schema in the first line, for editors.", valueName: "file"))
    var schema: String?

    func run() throws {
        var text = try Kit.sections.description(as: .reference)
        if let schema { text = "# yaml-language-server: $schema=\(schema)\n" + text }
        if file == "-" { return Terminal.output.write(text) }
        let url = URL(filePath: file)
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url, options: .withoutOverwriting)
        } catch let error as CocoaError where error.code == .fileWriteFileExists {
            throw CommandFailure("\(file) exists; name another file, or - to print the options")
        } catch {
            throw CommandFailure("\(file) cannot be written: \(error.localizedDescription)")
        }
        Terminal.output.print("wrote \(file)")
    }
}
