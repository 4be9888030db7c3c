import FoundationEssentials

/// The package of a service, as `kit new` lays it out.
struct ServicePackage: Sendable {
    let directory: String

    /// Opens a package.
    ///
    /// - Throws: `CommandFailure` when there is none.
    init(at directory: String) throws {
        self.directory = directory
        guard FileManager.default.fileExists(atPath: path("Package.swift")) else {
            throw CommandFailure("\(directory) has no Package.swift; change to a service's directory, or give --path")
        }
    }

    /// The path of something in it.
    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Whether there is something at a path.
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// The Swift files below a directory, sorted.
    func swiftFiles(in directory: String) throws -> [String] {
        guard let paths = try? FileManager.default.subpathsOfDirectory(atPath: path(directory)) else {
            throw CommandFailure("\(path(directory)) cannot be read")
        }
        return paths.filter { $0.hasSuffix(".swift") }.sorted().map { "\(directory)/\($0)" }
    }

    /// The target of its main: the one that has an API.
    func executableTarget() throws -> String {
        let targets = try apis().map { String($0.target.dropLast(3)) }
        guard let target = targets.first(where: { exists("Sources/\($0)") }) else {
            throw CommandFailure("\(directory) has no target beside its API in Sources")
        }
        return target
    }

    /// One target of an API: `Sources/UserServiceAPI`, with its .proto files.
    struct API: Sendable {
        /// `UserServiceAPI`.
        let target: String
        /// The files, by their names.
        var protos: [FileTree.File]

        /// Relative to the package.
        var directory: String { "Sources/\(target)" }
    }

    /// The targets with .proto files.
    ///
    /// - Throws: `CommandFailure` when there are none.
    func apis() throws -> [API] {
        let manager = FileManager.default
        let targets = ((try? manager.contentsOfDirectory(atPath: path("Sources"))) ?? []).filter { $0.hasSuffix("API") }
        let apis = try targets.sorted().compactMap { target -> API? in
            let names = try manager.contentsOfDirectory(atPath: path("Sources/\(target)"))
                .filter { $0.hasSuffix(".proto") }
            let protos = try names.sorted().map { FileTree.File(path: $0, bytes: try bytes("Sources/\(target)/\($0)")) }
            return protos.isEmpty ? nil : API(target: target, protos: protos)
        }
        guard !apis.isEmpty else {
            throw CommandFailure("\(directory) has no .proto file in a directory Sources/…API")
        }
        return apis
    }

    /// The bytes of a file.
    ///
    /// - Throws: `CommandFailure` when it cannot be read.
    func bytes(_ name: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path(name)) else {
            throw CommandFailure("\(path(name)) cannot be read")
        }
        return Array(data)
    }

    /// The text of a file.
    func text(_ name: String) throws -> String {
        String(decoding: try bytes(name), as: UTF8.self)
    }

    /// Writes those of some files that differ from what is there: all of them, or none.
    ///
    /// - Returns: The paths of those that were written.
    func write(_ files: [FileTree.File]) async throws -> [String] {
        let manager = FileManager.default
        let changed = FileTree(files.filter { manager.contents(atPath: path($0.path)).map(Array.init) != $0.bytes })
        if changed.files.isEmpty { return [] }
        try await TreeWriter(directory: directory, allowsExisting: true).write(changed)
        return changed.files.map(\.path)
    }
}
