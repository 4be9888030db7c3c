import ArgumentParser
import ServiceKit
import ServiceKitConfig

/// `kit config diff`.
struct ConfigDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Shows the values that differ between two configurations.",
        discussion: """
            A side is a file, a profile, or a place in a store:

              kit config diff config/config.yaml config/config.production.yaml
              kit config diff staging production
              kit config diff config/config.yaml etcd:///config/user-service

            A text with a slash or with .yaml at its end is a file. A profile is the configuration file (--config) with \
            the profile's file over it. Values are compared as they are written, placeholders included; their order, \
            comments and layout do not count. Secrets are shown as ***, and so are values of unknown keys. Long values are \
            cut. The connection to a store is that of the configuration, as for kit registry.

            Exit code: 0 if all values are the same, 1 if some differ, 2 if a side cannot be read or the difference cannot \
            be written.
            """
    )

    @Argument(help: ArgumentHelp("The first side.", valueName: "a"))
    var first: String

    @Argument(help: ArgumentHelp("The second side.", valueName: "b"))
    var second: String

    @OptionGroup var arguments: AppArguments

    func run() async throws {
        let differences: [ConfigurationDifference]
        do {
            differences = try await Self.differences(from: side(first), to: side(second))
        } catch {
            Terminal.error.print("Error: \(error)")
            throw ExitCode(2)
        }
        Self.print(differences)
        if Terminal.outputFailure != nil { throw ExitCode(2) }
        if !differences.isEmpty { throw ExitCode.failure }
    }

    private func side(_ text: String) async throws -> Configuration {
        if text.isEmpty { throw CommandFailure("a side is empty; name a file, a profile or a store") }
        if text.contains("://") { return try await ConfigurationLocation(parsing: text).written(arguments) }
        if text.contains("/") || text.hasSuffix(".yaml") || text.hasSuffix(".yml") {
            return try LayerStack(documents: ConfigurationFile.documents(at: [text])).written()
        }
        var arguments = arguments
        arguments.profile = text
        return try arguments.written()
    }

    /// The values that differ. Secret values are masked.
    static func differences(from first: Configuration, to second: Configuration) -> [ConfigurationDifference] {
        Kit.sections.register(in: second)
        return second.differences(since: first)
    }

    static func print(_ differences: [ConfigurationDifference]) {
        for difference in differences {
            if let old = difference.old {
                Terminal.output.print(Terminal.output.styled("- \(difference.path): \(old)", .red))
            }
            if let new = difference.new {
                Terminal.output.print(Terminal.output.styled("+ \(difference.path): \(new)", .green))
            }
        }
    }
}
