import FoundationEssentials
import ServiceKit
import ServiceKitTemplates
import SwiftProtobufPluginLibrary

/// The directories in which imports of .proto files are searched, in order.
struct ProtoPath: Hashable, Sendable {
    /// The owner of a directory's files.
    enum Origin: Hashable, Sendable {
        /// The API's own target.
        case api
        /// The files of others, given by the user: beside a file, or with `--proto-path`.
        case given
        /// Another API of the package.
        case package
        /// The common imports: `google/protobuf`, `google/api`, `validate`.
        case wellKnown
    }

    struct Directory: Hashable, Sendable {
        fileprivate(set) var path: String
        let origin: Origin
        /// The name of the directory for users, if it is not its path.
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

    func directory(of name: String) -> Directory? {
        directories.first { FileManager.default.fileExists(atPath: "\($0.path)/\(name)") }
    }

    /// The name of a file in imports: its path below the first directory that contains it.
    func name(ofFileAt path: String) -> String? {
        directories.first { path.hasPrefix($0.path + "/") }.map { String(path.dropFirst($0.path.count + 1)) }
    }

    /// The path with one more directory before all others.
    func preceded(by directory: Directory) -> ProtoPath { ProtoPath([directory] + directories) }

    // MARK: - Well-known files

    /// The directories of common imports: those of the installed protoc, which match its version, and those of kit.
    static var wellKnown: [Directory] {
        ([installed(for: ProcessEnvironment.current["PATH"] ?? ""), Templates.folder("proto")]).compactMap(\.self).map {
            Directory(path: $0, origin: .wellKnown)
        }
    }

    /// The directory of protoc's own files: beside protoc's own directory. Debian ships them in another package.
    static func installed(for path: String) -> String? {
        let protoc = path.split(separator: ":").map { "\($0)/protoc" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let protoc else { return nil }
        let bin = URL(filePath: protoc).resolvingSymlinksInPath().deletingLastPathComponent()
        return [bin.appending(path: "include"), bin.deletingLastPathComponent().appending(path: "include")].map(\.path)
            .first { FileManager.default.fileExists(atPath: "\($0)/google/protobuf/descriptor.proto") }
    }

    /// Whether the SwiftProtobuf library contains a file's types, so that the file needs no code.
    static func isBundled(_ name: String) -> Bool { SwiftProtobufInfo.bundledProtoFiles.contains(name) }
}

extension ProtoPath {
    /// The path for an API of a package. The API's own files come first, which need not exist; then the directories
    /// from `--proto-path`.
    init(for target: String, given: [String], in package: ServicePackage) {
        self.init(
            [Directory(path: package.path("Sources/\(target)"), origin: .api)]
                + given.map { Directory(path: $0, origin: .given) }
                + package.apiTargets.filter { $0 != target }.map {
                    Directory(path: package.path("Sources/\($0)"), origin: .package)
                }
                + Self.wellKnown
        )
    }
}
