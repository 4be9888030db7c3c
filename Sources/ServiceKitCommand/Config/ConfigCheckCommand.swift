import ArgumentParser
import ServiceKit
import ServiceKitConfig

/// `kit config check`.
struct ConfigCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Finds the mistakes in the configuration of a service that starts here.",
        discussion: """
            All layers are read as a service reads them: the file, that of the profile over it, sources that they name such \
            as config.etcd, environment variables, --set. Each FILE is checked in the place of --config. The file of a \
            profile, such as config.production.yaml, is read over config.yaml beside it.

            It checks the kit's sections, and those of the plugins linked into kit (kit config init - lists them). Of the \
            service's own sections only placeholders such as ${NAME} are checked: only the service knows their keys. A \
            value is not checked if its variable is not set here, or its file or another layer is missing; neither is \
            its section as a whole.

              kit config check
              kit config check --profile production --set registry.backend=etcd
              kit config check config/*.yaml

            Exit code: 0 if there are no mistakes, else 1.
            """
    )

    @Argument(
        help: ArgumentHelp("The YAML files, or directories of such. Default: as for --config.", valueName: "file"))
    var files: [String] = []

    @OptionGroup var arguments: AppArguments

    func validate() throws {
        if arguments.config != nil, !files.isEmpty {
            throw ValidationError("name the files as arguments or by --config, not both")
        }
    }

    func run() async throws {
        var report = MistakeReport()
        if files.isEmpty {
            report.add(await ConfigurationCheck(arguments, plugins: Kit.plugins), of: nil)
        }
        for file in files {
            report.add(await ConfigurationCheck(arguments.reading(file), plugins: Kit.plugins), of: file)
        }
        let count = report.count
        if count > 0 { throw CommandFailure(count == 1 ? "1 mistake; see above" : "\(count) mistakes; see above") }
    }
}
