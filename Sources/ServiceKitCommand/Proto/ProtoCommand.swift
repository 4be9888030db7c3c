import ArgumentParser
import FoundationEssentials

/// `kit proto`.
struct ProtoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proto",
        abstract: "Generates the code of .proto files.",
        subcommands: [ProtoGenerateCommand.self]
    )
}

/// `kit proto generate`.
struct ProtoGenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Generates the Swift code of a service's .proto files again.",
        discussion: """
            Reads every .proto file in Sources/…API. kit searches for imports there, below --proto-path, and in the \
            package's other APIs. kit itself contains the files of google/protobuf, google/api, google/rpc and \
            google/type that APIs mostly import, and validate, buf/validate and errors. It copies files from --proto-path \
            into the package. Needs protoc. The first run builds the Swift plugins from the service's own dependencies, and \
            keeps them in ~/.cache/servicekit.

            Examples:
              kit proto generate
              kit proto generate --path ./user-service
              kit proto generate -I ../protos -I ../third_party
            """
    )

    @OptionGroup var service: ServiceArguments
    @OptionGroup var imports: ImportArguments

    func run() async throws {
        let (package, scratchPath) = (try service.package(), service.scratchPath)
        let protoPaths = try imports.directories()
        let written = try await Interruption().limit {
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

struct ServiceArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The service's directory. Default: this directory.", valueName: "dir"))
    var path: String?

    @Option(help: ArgumentHelp("The directory to build protoc's plugins in, as for SwiftPM.", valueName: "dir"))
    var scratchPath: String?

    func package() throws -> ServicePackage {
        try ServicePackage(at: URL(filePath: path ?? ".").standardizedFileURL.path)
    }
}

/// The directories with imports of .proto files.
struct ImportArguments: ParsableArguments {
    @Option(
        name: [.customLong("proto-path"), .customShort("I")],
        help: ArgumentHelp("A directory with imports of .proto files; may be given several times.", valueName: "dir")
    )
    var protoPath: [String] = []

    /// The full paths of the directories. Throws `CommandFailure` when a directory does not exist.
    func directories() throws -> [String] {
        try protoPath.map { path in
            let full = URL(filePath: path).standardizedFileURL.path
            guard FileSystemTree.kind(of: full) == .directory else {
                throw CommandFailure("--proto-path \(path) is not a directory")
            }
            return full
        }
    }
}

extension Terminal {
    static func note(_ text: String) { error.print("kit: \(text)") }
}

extension ProtoGenerator {
    /// The generator for a package, with matching plugins.
    static func prepared(for package: ServicePackage, scratchPath: String?) async throws -> ProtoGenerator {
        let swift = SwiftTool(directory: package.directory, scratchPath: scratchPath)
        let plugins = ProtoPlugins(package: package, swift: swift)
        return ProtoGenerator(plugins: try await plugins.directory { Terminal.note($0) })
    }
}
