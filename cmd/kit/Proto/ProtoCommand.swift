import ArgumentParser
import FoundationEssentials

/// `kit proto`.
struct ProtoCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "proto",
            abstract: "The code of .proto files.",
            subcommands: [ProtoGenerateCommand.self]
        )
    }
}

/// `kit proto generate`.
struct ProtoGenerateCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "generate",
            abstract: "Writes the Swift code of a service's .proto files anew.",
            discussion: """
                Takes every .proto file in Sources/…API. Needs protoc; its Swift plugins are built from the service's own \
                dependencies the first time, and kept in ~/.cache/servicekit.

                Examples:
                  kit proto generate
                  kit proto generate --path ./user-service
                """
        )
    }

    @OptionGroup var service: ServiceArguments

    func run() async throws {
        let (package, scratchPath) = (try service.package(), service.scratchPath)
        let written = try await withInterruption {
            let apis = try package.apis()
            let generator = try await ProtoGenerator.prepared(for: package, scratchPath: scratchPath)
            var files: [FileTree.File] = []
            for api in apis { files += try await generator.code(of: api) }
            return try await package.write(files)
        }
        if written.isEmpty { Terminal.output.print("nothing has changed") }
        for path in written { Terminal.output.print(path) }
    }
}

/// Which service a command works on.
struct ServiceArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The service's directory; by default this one.", valueName: "dir"))
    var path: String?

    @Option(help: ArgumentHelp("Where the plugins of protoc are built, as SwiftPM takes it.", valueName: "dir"))
    var scratchPath: String?

    /// The service's package.
    func package() throws -> ServicePackage {
        let here = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
        return try ServicePackage(at: URL(filePath: path ?? ".", relativeTo: here).standardizedFileURL.path)
    }
}

extension ProtoGenerator {
    /// The generator for a package, with plugins that fit it.
    static func prepared(for package: ServicePackage, scratchPath: String?) async throws -> ProtoGenerator {
        guard await ToolRun.exists("protoc") else { throw CommandFailure(missing) }
        let plugins = ProtoPlugins(package: package, scratchPath: scratchPath)
        return ProtoGenerator(plugins: try await plugins.directory { Terminal.error.print("kit: \($0)") })
    }

    /// The code of an API's files, by paths relative to the package.
    func code(of api: ServicePackage.API) async throws -> [FileTree.File] {
        try await code(of: api.protos).map { FileTree.File(path: "\(api.directory)/\($0.path)", bytes: $0.bytes) }
    }
}
