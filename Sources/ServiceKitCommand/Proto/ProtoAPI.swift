import FoundationEssentials
import SwiftProtobuf

/// An API as it is to be in a package: what its .proto files say, which of them code is written for, and which files go
/// into its target with them.
struct ProtoAPI: Sendable {
    /// `UserServiceAPI`.
    let target: String
    let set: ProtoSet
    /// The files that code is written for.
    let generated: [String]
    /// The .proto files to write into the target, so that it has all that it imports.
    let copies: [FileTree.File]
    /// The targets that have the code of imported files already, by these files.
    let modules: [String: String]

    /// Relative to the package.
    var directory: String { "Sources/\(target)" }

    /// - Parameters:
    ///   - target: The API's target.
    ///   - set: The descriptors that protoc has written.
    ///   - roots: The files that code is written for in any case.
    ///   - path: Where protoc has read them.
    ///   - package: The package that the target is in, or will be in.
    ///   - graph: The dependencies of the package's targets; by default as the package has them.
    /// - Throws: `CommandFailure` when a file cannot be part of a package.
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

    /// `Package.swift` and the comments of the code name each file.
    private static func checkName(of file: String) throws {
        guard
            let character = file.unicodeScalars.first(where: { "\"\\[]".unicodeScalars.contains($0) || $0.value < 32 })
        else { return }
        throw CommandFailure(
            "\(file.debugDescription) cannot be named in Package.swift because of the character "
                + "\(String(character).debugDescription); rename the file"
        )
    }

    /// The entries at the top of the target's directory that are no code: files, and directories with files in them.
    var resources: [String] {
        let copied = copies.map { String($0.path.dropFirst(directory.count + 1)) }
        return Set((generated + copied).map { String($0.prefix { $0 != "/" }) }).sorted()
    }
}
