import FoundationEssentials
import ServiceKit

/// The plugins of protoc for Swift, of the versions that a package is compiled with: code and runtime have to fit.
///
/// They are built of the package's own dependencies, once, and kept in `~/.cache/servicekit` (or below
/// `XDG_CACHE_HOME`), a directory for each pair of versions.
struct ProtoPlugins: Sendable {
    static let names = ["protoc-gen-swift", "protoc-gen-grpc-swift-2"]
    private static let packages = ["swift-protobuf", "grpc-swift-protobuf"]
    private static let buildLimit = Duration.seconds(3600)

    let package: ServicePackage
    /// Where SwiftPM builds; `nil` is the package's own place.
    var scratchPath: String?
    var environment = ProcessEnvironment.current

    /// The directory with both.
    ///
    /// - Parameter progress: Told what takes long.
    /// - Throws: `CommandFailure` when they can be neither found nor built.
    func directory(progress: (String) -> Void) async throws -> String {
        let cache = try await cacheDirectory()
        if Self.isComplete(cache) { return cache }
        progress("building the Swift plugins of protoc, once for these versions: \(cache)")
        let built = try await build()
        try Self.copy(from: built, to: cache)
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

    /// The versions that are resolved: `swift-protobuf-1.39.0_grpc-swift-protobuf-2.4.1`.
    private func versions() async throws -> String {
        if !FileManager.default.fileExists(atPath: package.path("Package.resolved")) {
            let outcome = try await swift("package", "resolve")
            guard outcome.isSuccess else { throw CommandFailure("swift package resolve: \(outcome.reason)") }
        }
        let pins = try ResolvedPins(at: package.path("Package.resolved"))
        return try Self.packages.map { name in
            guard let version = pins.version(of: name) else {
                throw CommandFailure("\(package.directory) does not depend on \(name), whose plugin writes its code")
            }
            return "\(name)-\(version)"
        }.joined(separator: "_")
    }

    private func build() async throws -> String {
        for name in Self.names {
            let outcome = try await swift("build", "--product", name)
            guard outcome.isSuccess else { throw CommandFailure("\(name) could not be built: \(outcome.reason)") }
        }
        let outcome = try await swift("build", "--show-bin-path")
        guard outcome.isSuccess, let path = outcome.output.split(separator: "\n").last else {
            throw CommandFailure("swift build --show-bin-path: \(outcome.reason)")
        }
        return String(path)
    }

    private func swift(_ command: String, _ arguments: String...) async throws -> ToolRun.Outcome {
        var all = [command, "--package-path", package.directory]
        if let scratchPath { all += ["--scratch-path", scratchPath] }
        return try await ToolRun(program: "swift", arguments: all + arguments, limit: Self.buildLimit)()
    }

    private static func isComplete(_ directory: String) -> Bool {
        names.allSatisfy { FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)") }
    }

    /// Copies them under another name first, so that nobody finds half of one.
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

/// The versions that SwiftPM has settled on: what of `Package.resolved` is needed.
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

    /// The version of a package, or the commit where there is no version.
    func version(of package: String) -> String? {
        let state = pins.first { $0.identity == package }?.state
        return state?.version ?? state?.revision
    }
}
