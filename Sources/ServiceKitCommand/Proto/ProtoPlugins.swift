import FoundationEssentials
import ServiceKit

/// protoc's plugins for Swift, in the versions that a package uses: generated code has to fit its runtime.
///
/// They are built once from the package's own dependencies, and kept in `~/.cache/servicekit` (or below
/// `XDG_CACHE_HOME`), in a directory for each pair of versions.
struct ProtoPlugins: Sendable {
    static let names = ["protoc-gen-swift", "protoc-gen-grpc-swift-2"]
    private static let packages = ["swift-protobuf", "grpc-swift-protobuf"]

    let package: ServicePackage
    let swift: SwiftTool
    var environment = ProcessEnvironment.current

    /// The directory with both plugins. `progress` gets the name of each long step. Throws `CommandFailure` when the
    /// plugins can neither be found nor built.
    func directory(progress: (String) -> Void) async throws -> String {
        let cache = try await cacheDirectory()
        if Self.isComplete(cache) { return cache }
        progress("building the Swift plugins of protoc, once for these versions: \(cache)")
        for name in Self.names { try await swift.query("build", "--product", name) }
        try Self.copy(from: try await swift.productsDirectory("debug"), to: cache)
        return cache
    }

    private func cacheDirectory() async throws -> String {
        let base: String
        if let directory = environment["XDG_CACHE_HOME"], directory.hasPrefix("/") {
            base = directory
        } else if let home = environment["HOME"], !home.isEmpty {
            base = home + "/.cache"
        } else {
            throw CommandFailure("set HOME or XDG_CACHE_HOME: the plugins of protoc are kept below it")
        }
        return "\(base)/servicekit/\(try await versions())"
    }

    /// The resolved versions: `swift-protobuf-1.39.0_grpc-swift-protobuf-2.4.1`.
    private func versions() async throws -> String {
        if !package.exists("Package.resolved") { try await swift.query("package", "resolve") }
        let pins = try ResolvedPins(at: package.path("Package.resolved"))
        return try Self.packages.map { name in
            guard let version = pins.version(of: name) else {
                throw CommandFailure(
                    "\(package.directory) does not depend on \(name), which has the plugin for its code")
            }
            return "\(name)-\(version)"
        }.joined(separator: "_")
    }

    private static func isComplete(_ directory: String) -> Bool {
        names.allSatisfy { FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)") }
    }

    /// Copies the plugins to another name first, so that no process finds an incomplete copy.
    private static func copy(from source: String, to destination: String) throws {
        let manager = FileManager.default
        do {
            try manager.createDirectory(atPath: destination, withIntermediateDirectories: true)
            for name in names {
                let temporary = "\(destination)/.\(name)-\(UUID().uuidString)"
                try manager.copyItem(atPath: "\(source)/\(name)", toPath: temporary)
                do {
                    try FileSystemTree.rename(temporary, to: "\(destination)/\(name)")
                } catch {
                    try? manager.removeItem(atPath: temporary)
                    throw error
                }
            }
        } catch {
            throw CommandFailure("the plugins of protoc cannot be kept in \(destination): \(error)")
        }
    }
}

/// The used part of `Package.resolved`: the versions that SwiftPM has resolved.
struct ResolvedPins: Decodable {
    private let pins: [Pin]

    private struct Pin: Decodable {
        let identity: String
        let state: State
    }

    private struct State: Decodable {
        let version: String?
        let revision: String?
    }

    init(at path: String) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            throw CommandFailure("\(path) cannot be read; write it again: swift package resolve")
        }
    }

    /// The version of a package, or its commit if it has no version.
    func version(of package: String) -> String? {
        let state = pins.first { $0.identity == package }?.state
        return state?.version ?? state?.revision
    }
}
