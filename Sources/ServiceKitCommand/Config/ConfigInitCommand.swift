import ArgumentParser
import Foundation
import Glibc
import ServiceKit
import ServiceKitConfig
import SystemPackage

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
        try OutputFile.checkName(file)
        do {
            try Self.create(FilePath(file), text)
        } catch let error as Errno {
            if error == .fileExists {
                throw CommandFailure("\(file) exists; name another file, or - to print the options")
            }
            throw OutputFile.failure(file, error)
        }
        Terminal.output.print("wrote \(file)")
    }

    private static func create(_ path: FilePath, _ text: String) throws {
        // A failure shows when the file is created.
        try? FileManager.default.createDirectory(
            atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
        do {
            try file.closeAfter { _ = try file.writeAll(text.utf8) }
        } catch {
            unlink(path.string)
            throw error
        }
    }
}
