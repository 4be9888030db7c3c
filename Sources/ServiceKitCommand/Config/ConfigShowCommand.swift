import ArgumentParser
import ServiceKit
import ServiceKitConfig

/// `kit config show`.
struct ConfigShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows the configuration of a service that starts here, with each value's origin.",
        discussion: """
            All layers are merged: files, sources that they name such as config.etcd, environment variables, --set. A \
            source that is away is left out, after a line on standard error. Secrets are shown as ***, and so are \
            values of unknown keys. A key that is not set has its default, and is not shown.

            In JSON a value of the kit's sections has the type that a service reads: version: 1.10 is "1.10". In other \
            sections only the service knows the type: a value without quotes is a number if every program prints it \
            with the same digits, else text.

              kit config show
              kit config show --config config/config.yaml
              kit config show --set log.level=debug
              KIT_REGISTRY__BACKEND=etcd kit config show
              kit config show --json

            A value whose placeholder cannot be replaced here is left out, after a line on standard error: a file that it \
            names is missing, for example.

            Exit code: 0, or 1 when the configuration, or a value in it, cannot be read.
            """
    )

    @OptionGroup var arguments: AppArguments

    @Flag(help: "Print one line of JSON, without the origins.")
    var json = false

    func run() async throws {
        var layers = try arguments.layers()
        var isComplete = true
        if try layers.written().keys(at: "config").isEmpty == false {
            do {
                layers.documents += try await arguments.sourceDocuments()
            } catch let error as ConfigurationError {
                Terminal.error.print("kit: \(error); the sources are left out")
                isComplete = false
            }
        }
        let (configuration, mistakes, unknown) = try layers.mergedForCheck(variables: layers.environment)
        // Reads the kit's sections like a service, so that each value gets its type.
        _ = ConfigurationCheck(configuration, plugins: Kit.plugins)
        let outline = configuration.outline
        if json {
            Terminal.output.print(ConfigurationPrinter.json(outline))
        } else {
            for (text, origin) in ConfigurationPrinter.yaml(outline) {
                Terminal.output.print(text + Terminal.output.styled(origin, .dim))
            }
        }
        let failures = mistakes + unknown
        for failure in failures { Terminal.error.print("kit: \(failure); the value is left out") }
        if !isComplete || !failures.isEmpty { throw ExitCode.failure }
    }
}
