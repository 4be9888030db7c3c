import ArgumentParser
import FoundationEssentials
import ServiceKit

/// `kit new`.
struct NewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Creates a service that builds, runs, registers and passes its tests.",
        discussion: """
            Examples:
              kit new user-service
              kit new OrderService --registry etcd --api acme.order.v1
              kit new user-service --path services/users --dry-run

            user-service, user_service, userService and UserService are the same name. A failure leaves no files \
            behind.
            """
    )

    @Argument(help: "The service's name: user-service.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "The registry of its configuration: \(Self.registries.joined(separator: ", ")).", valueName: "backend"))
    var registry = "file"

    @Option(
        help: ArgumentHelp("The package of its .proto file. Default: user.v1 for user-service.", valueName: "package"))
    var api: String?

    @Option(help: ArgumentHelp("The directory to write. Default: NAME, here.", valueName: "dir"))
    var path: String?

    @Option(
        help: ArgumentHelp(
            "The source of ServiceKit: a checkout or URL@VERSION. Default: the checkout that built this kit.",
            valueName: "path|url@version"
        )
    )
    var kit: String?

    @Flag(help: "Only list the files, with sizes in bytes.")
    var dryRun = false

    @Flag(help: "Write into a directory that is not empty; files of the same names are replaced.")
    var force = false

    @Flag(name: .customLong("no-git"), help: "Create no git repository and no first commit.")
    var noGit = false

    /// The registries that the template's main links. This kit may link others.
    private static let registries = (RegistryBackends.embedded.names + ["etcd"]).sorted()

    func run() async throws {
        let service = NewService(
            name: try ServiceName(name, package: api),
            registry: try checkedRegistry(),
            kit: try KitSource(kit, in: FileManager.default.currentDirectoryPath)
        )
        let shown = path ?? name
        guard !shown.isEmpty else { throw CommandFailure("--path is empty; name a directory") }
        let target = URL(filePath: shown).standardizedFileURL.path
        let tree = try service.render()
        if dryRun {
            for line in tree.listing(of: shown) { Terminal.output.print(line) }
            return
        }
        let writer = TreeWriter(directory: target, allowsExisting: force)
        let warning = Watched<String?>(nil)
        let usesGit = !noGit
        do {
            try await Interruption().limit {
                try await writer.write(tree) { new in
                    guard usesGit else { return }
                    do {
                        if try await GitRepository.contains(new) { return }
                        let message = "Service \(service.name.executable), as kit new writes it"
                        try await GitRepository(directory: new).create(message: message)
                    } catch let failure as CommandFailure {
                        // The service needs no repository.
                        warning.set(failure.description)
                    }
                }
            }
        } catch let code as ExitCode {
            Terminal.error.print("kit: interrupted; nothing was written")
            throw code
        }
        if let warning = warning.value { Terminal.error.print("kit: warning: no first commit: \(warning)") }
        report(tree, at: shown)
    }

    private func checkedRegistry() throws -> String {
        guard Self.registries.contains(registry) else {
            throw CommandFailure(
                "a new service links no registry \"\(registry)\"; choose one of \(Self.registries.joined(separator: ", "))"
            )
        }
        return registry
    }

    private func report(_ tree: FileTree, at path: String) {
        let output = Terminal.output
        output.print("\(output.styled(path, .bold)): \(tree.files.count) files. Next:")
        output.print()
        output.print("  cd \(Shell.quoted(path))")
        output.print("  swift test")
        output.print("  swift run")
    }
}
