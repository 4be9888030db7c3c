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
                Takes every .proto file in Sources/…API. Imports are found there, below --proto-path, and in the \
                package's other APIs. The files of google/protobuf, google/api, google/rpc and google/type that APIs mostly \
                import come with kit, as do validate and buf/validate. A file found below --proto-path is copied into the \
                package. Needs protoc; its Swift plugins are built from the service's own dependencies the first time, and \
                kept in ~/.cache/servicekit.

                Examples:
                  kit proto generate
                  kit proto generate --path ./user-service
                  kit proto generate -I ../protos -I ../third_party
                """
        )
    }

    @OptionGroup var service: ServiceArguments
    @OptionGroup var imports: ImportArguments

    func run() async throws {
        let (package, scratchPath) = (try service.package(), service.scratchPath)
        let protoPaths = try imports.directories()
        let written = try await withInterruption {
            var apis: [ProtoAPI] = []
            var graph = try TargetGraph(of: package)
            for api in try package.apis() {
                let path = ProtoPath(for: api.target, given: protoPaths, in: package)
                let set = try await ProtoCompiler(path: path).parse(api.protos)
                let roots = set.roots(of: api.protos)
                let generated = try ProtoAPI(
                    target: api.target, set: set, roots: roots, path: path, package: package, graph: graph)
                graph.add(generated.modules.values, to: api.target)
                apis.append(generated)
            }
            let generator = try await ProtoGenerator.prepared(for: package, scratchPath: scratchPath)
            return try await package.write(try await package.files(of: apis, by: generator) { Terminal.note($0) })
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

/// Where imports of .proto files are.
struct ImportArguments: ParsableArguments {
    @Option(
        name: [.customLong("proto-path"), .customShort("I")],
        help: ArgumentHelp(
            "A directory below which imports of .proto files are found; may be given several times.",
            valueName: "dir"
        )
    )
    var protoPath: [String] = []

    /// The directories, by their full paths.
    ///
    /// - Throws: `CommandFailure` when one is not there.
    func directories() throws -> [String] {
        let here = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
        return try protoPath.map { path in
            let full = URL(filePath: path, relativeTo: here).standardizedFileURL.path
            guard FileSystemTree.kind(of: full) == .directory else {
                throw CommandFailure("--proto-path \(path) is no directory")
            }
            return full
        }
    }
}

extension Terminal {
    /// Tells of something on the side.
    static func note(_ text: String) { error.print("kit: \(text)") }
}

extension ProtoGenerator {
    /// The generator for a package, with plugins that fit it.
    static func prepared(for package: ServicePackage, scratchPath: String?) async throws -> ProtoGenerator {
        guard await ToolRun.exists("protoc") else { throw CommandFailure(ProtoCompiler.missing) }
        let plugins = ProtoPlugins(package: package, scratchPath: scratchPath)
        return ProtoGenerator(plugins: try await plugins.directory { Terminal.note($0) })
    }
}
