import FoundationEssentials
import SwiftProtobuf

/// The future state of an API in a package: its .proto files, the files that get code, and the files that go into its
/// target.
struct ProtoAPI: Sendable {
    /// `UserServiceAPI`.
    let target: String
    let set: ProtoSet
    /// The files that get code.
    let generated: [String]
    /// The .proto files to write into the target, so that all imports are there.
    let copies: [FileTree.File]
    /// The targets that already contain the code of imported files, by file.
    let modules: [String: String]

    /// Relative to the package.
    var directory: String { "Sources/\(target)" }

    /// Plans the code for the roots and their imports, in a target that exists or will exist in the package. Default of
    /// the graph: the current dependencies of the package's targets. Throws `CommandFailure` when a file cannot be part
    /// of a package.
    init(
        target: String,
        set: ProtoSet,
        roots: [String],
        path: ProtoPath,
        package: ServicePackage,
        graph: TargetGraph? = nil
    ) throws {
        let graph = try graph ?? TargetGraph(of: package)
        self.target = target
        self.set = set
        var origins: [String: ProtoPath.Directory] = [:]
        var modules: [String: String] = [:]
        for file in set.files.map(\.name) where !ProtoPath.isBundled(file) {
            guard let directory = path.directory(of: file) else { continue }
            try Self.checkName(of: file)
            origins[file] = directory
            if directory.origin == .api || roots.contains(file) { continue }
            modules[file] = try package.target(withCodeOf: file, in: directory.path, for: target, graph: graph)
        }
        let needed = set.filesNeeded(by: roots, shared: Set(modules.keys)) { origins[$0]?.origin == .wellKnown }
        let generated = needed.filter { modules[$0] == nil }
        self.generated = generated
        self.modules = modules.filter { needed.contains($0.key) }
        copies = try origins.sorted { $0.key < $1.key }.compactMap { file, directory in
            let isCopied =
                switch directory.origin {
                case .api: false
                case .given: modules[file] == nil
                case .package, .wellKnown: generated.contains(file)
                }
            guard isCopied else { return nil }
            let bytes = try Data(contentsOf: URL(filePath: "\(directory.path)/\(file)"))
            return FileTree.File(path: "Sources/\(target)/\(file)", bytes: Array(bytes))
        }
    }

    /// `Package.swift` and the code's comments name each file.
    private static func checkName(of file: String) throws {
        guard
            let character = file.unicodeScalars.first(where: { "\"\\[]".unicodeScalars.contains($0) || $0.value < 32 })
        else { return }
        throw CommandFailure(
            "\(file.debugDescription) cannot stand in Package.swift because of the character "
                + "\(String(character).debugDescription); rename the file"
        )
    }

    /// Whether the code may have a ``DirectFile``, which imports the kit.
    var importsKit: Bool { generated.contains { set.file($0)?.service.isEmpty == false || set.importsErrors($0) } }

    /// The entries at the top of the target's directory that are not code: files, and directories with files.
    var resources: [String] {
        let copied = copies.map { String($0.path.dropFirst(directory.count + 1)) }
        return Set((generated + copied).map { String($0.prefix { $0 != "/" }) }).sorted()
    }
}
