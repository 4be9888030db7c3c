import ArgumentParser
import ServiceKit

/// `kit version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Prints the version of kit, and its registries.",
        discussion: """
              kit version
              kit --version    the number alone
            """
    )

    func run() throws {
        Terminal.output.print("kit \(KitVersion.current)")
        Terminal.output.print("Swift \(KitVersion.swift)")
        Terminal.output.print("registries: \(RegistryBackends(plugins: Kit.plugins).names.joined(separator: ", "))")
    }
}
