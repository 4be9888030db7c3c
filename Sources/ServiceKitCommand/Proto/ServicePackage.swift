import FoundationEssentials

/// The package of a service, in the layout of `kit new`.
struct ServicePackage: Sendable {
    let directory: String

    /// Opens a package. Throws `CommandFailure` when the directory has no package.
    init(at directory: String) throws {
        self.directory = directory
        guard FileManager.default.fileExists(atPath: path("Package.swift")) else {
            throw CommandFailure("\(directory) has no Package.swift; change to a service's directory, or use --path")
        }
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// The Swift files below a directory, sorted.
    func swiftFiles(in directory: String) throws -> [String] {
        guard let paths = try? FileManager.default.subpathsOfDirectory(atPath: path(directory)) else {
            throw CommandFailure("\(path(directory)) cannot be read")
        }
        return paths.filter { $0.hasSuffix(".swift") }.sorted().map { "\(directory)/\($0)" }
    }

    /// The target of the main: the target with an API.
    func executableTarget() throws -> String {
        let targets = try apis().map { String($0.target.dropLast(3)) }
        guard let target = targets.first(where: { exists("Sources/\($0)") }) else {
            throw CommandFailure("\(directory) has no target in Sources beside its API")
        }
        return target
    }

    /// The target of an API: `Sources/UserServiceAPI`, with its .proto files.
    struct API: Sendable {
        /// `UserServiceAPI`.
        let target: String
        /// The names of the files in imports: their paths below the target's directory.
        let protos: [String]

        var directory: String { "Sources/\(target)" }
    }

    /// The names of the targets: the directories in `Sources`.
    var targets: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path("Sources"))) ?? []).sorted() }

    /// The names of the APIs' targets in `Sources`.
    var apiTargets: [String] { targets.filter { $0.hasSuffix("API") } }

    /// The targets with .proto files. Throws `CommandFailure` when there are none.
    func apis() throws -> [API] {
        let apis = apiTargets.compactMap { target -> API? in
            let paths = (try? FileManager.default.subpathsOfDirectory(atPath: path("Sources/\(target)"))) ?? []
            let protos = paths.filter { $0.hasSuffix(".proto") }.sorted()
            return protos.isEmpty ? nil : API(target: target, protos: protos)
        }
        guard !apis.isEmpty else { throw CommandFailure("\(directory) has no .proto file in a directory Sources/…API") }
        return apis
    }

    /// The target of the API that declares a service, by the service's full name.
    func target(serving service: String) throws -> String? {
        try apiTargets.first { target in
            try swiftFiles(in: "Sources/\(target)").contains {
                try text($0).contains("fullyQualifiedService: \"\(service)\"")
            }
        }
    }

    /// The target that already contains the code of a .proto file: of the same file, byte for byte. `file` is its name
    /// in imports, `target` the API that needs the code. That API does not count, nor do APIs that depend on it. An API
    /// that it already depends on comes first.
    func target(
        withCodeOf file: String,
        in directory: String,
        for target: String,
        graph: TargetGraph
    ) throws -> String? {
        let candidates = apiTargets.filter {
            $0 != target && !graph.depends($0, on: target) && exists("Sources/\($0)/\(file)")
                && exists("Sources/\($0)/\(ProtoGenerator.swiftName(of: file)).pb.swift")
        }
        if candidates.isEmpty { return nil }
        guard let data = FileManager.default.contents(atPath: "\(directory)/\(file)") else { return nil }
        let same = try candidates.filter { try bytes("Sources/\($0)/\(file)") == Array(data) }
        return same.first { graph.names($0, in: target) } ?? same.first
    }

    /// The bytes of a file. Throws `CommandFailure` when it cannot be read.
    func bytes(_ name: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path(name)) else {
            throw CommandFailure("\(path(name)) cannot be read")
        }
        return Array(data)
    }

    func text(_ name: String) throws -> String {
        String(decoding: try bytes(name), as: UTF8.self)
    }

    /// Refuses files whose names are taken, with a remedy: SwiftPM accepts no two files of one name in a target.
    func checkNew(_ files: [FileTree.File], remedy: String) throws {
        func name(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }
        for file in files {
            let target = file.path.split(separator: "/").prefix(2).joined(separator: "/")
            let paths = (try? FileManager.default.subpathsOfDirectory(atPath: path(target))) ?? []
            guard let taken = paths.first(where: { name($0).lowercased() == name(file.path).lowercased() }) else {
                continue
            }
            throw CommandFailure("\(target)/\(taken) already exists; \(remedy)")
        }
    }

    /// The files to write for APIs, whose targets exist: their code, and `Package.swift` if it has to change. `note`
    /// gets the lines to add to `Package.swift` by hand.
    func files(
        of apis: [ProtoAPI], by generator: ProtoGenerator, note: (String) -> Void
    ) async throws -> [FileTree.File] {
        var files: [FileTree.File] = []
        var manifest = PackageManifest(text: try text("Package.swift"))
        for api in apis {
            files += try await generator.files(of: api)
            for line in manifest.update(api) { note("Package.swift does not have the format of kit new; add \(line)") }
        }
        return files + [FileTree.File(path: "Package.swift", bytes: Array(manifest.text.utf8))]
    }

    /// Writes the files that differ from the existing ones, all or none, and returns their paths.
    func write(_ files: [FileTree.File]) async throws -> [String] {
        let manager = FileManager.default
        let changed = FileTree(files.filter { manager.contents(atPath: path($0.path)).map(Array.init) != $0.bytes })
        if changed.files.isEmpty { return [] }
        try await TreeWriter(directory: directory, allowsExisting: true).write(changed)
        return changed.files.map(\.path)
    }
}
