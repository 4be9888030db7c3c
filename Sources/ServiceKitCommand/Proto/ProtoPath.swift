import FoundationEssentials
import ServiceKit
import ServiceKitTemplates
import SwiftProtobufPluginLibrary

/// The directories below which imports of .proto files are looked for, in their order.
struct ProtoPath: Hashable, Sendable {
    /// Whose files a directory holds.
    enum Origin: Hashable, Sendable {
        /// The API's own target.
        case api
        /// Somebody else's files, which the user named: beside a file, or by `--proto-path`.
        case given
        /// Another API of the package, by its target.
        case package(target: String)
        /// The files that everybody imports: `google/protobuf`, `google/api`, `validate`.
        case wellKnown
    }

    struct Directory: Hashable, Sendable {
        fileprivate(set) var path: String
        let origin: Origin
        /// How the directory is named to the user, when that is not its path.
        var name: String?
    }

    private(set) var directories: [Directory]

    init(_ directories: [Directory]) {
        var seen: Set<String> = []
        self.directories = directories.map { directory in
            var directory = directory
            directory.path = URL(filePath: directory.path).standardizedFileURL.path
            return directory
        }.filter { seen.insert($0.path).inserted }
    }

    /// The directory that a file is found in.
    func directory(of name: String) -> Directory? {
        directories.first { FileManager.default.fileExists(atPath: "\($0.path)/\(name)") }
    }

    /// The name by which a file is imported: its path below the first directory that it is in.
    func name(ofFileAt path: String) -> String? {
        directories.first { path.hasPrefix($0.path + "/") }.map { String(path.dropFirst($0.path.count + 1)) }
    }

    /// The path with a directory that comes before all others.
    func preceded(by directory: Directory) -> ProtoPath { ProtoPath([directory] + directories) }

    // MARK: - Well-known files

    /// Where files are that everybody imports: those of the protoc that is used, which fit its version, and those that came
    /// with kit.
    static var wellKnown: [Directory] {
        ([installed(for: ProcessEnvironment.current["PATH"] ?? ""), Templates.folder("proto")]).compactMap(\.self).map {
            Directory(path: $0, origin: .wellKnown)
        }
    }

    /// Where protoc has its own files: beside the directory that it is in. Debian has them in another package.
    static func installed(for path: String) -> String? {
        let protoc = path.split(separator: ":").map { "\($0)/protoc" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let protoc else { return nil }
        let bin = URL(filePath: protoc).resolvingSymlinksInPath().deletingLastPathComponent()
        return [bin.appending(path: "include"), bin.deletingLastPathComponent().appending(path: "include")].map(\.path)
            .first { FileManager.default.fileExists(atPath: "\($0)/google/protobuf/descriptor.proto") }
    }

    /// Whether the SwiftProtobuf library has a file's types, so that no code is generated for it.
    static func isBundled(_ name: String) -> Bool { SwiftProtobufInfo.bundledProtoFiles.contains(name) }
}

extension ProtoPath {
    /// The path for an API of a package.
    ///
    /// - Parameters:
    ///   - target: The API's target, whose own files come first; they need not be there.
    ///   - given: Directories that were named by `--proto-path`.
    ///   - package: The package.
    init(for target: String, given: [String], in package: ServicePackage) {
        self.init(
            [Directory(path: package.path("Sources/\(target)"), origin: .api)]
                + given.map { Directory(path: $0, origin: .given) }
                + package.apiTargets.filter { $0 != target }.map {
                    Directory(path: package.path("Sources/\($0)"), origin: .package(target: $0))
                }
                + Self.wellKnown
        )
    }
}
