import FoundationEssentials

/// Writes the Swift code of .proto files by protoc.
struct ProtoGenerator: Sendable {
    private static let limit = Duration.seconds(60)

    /// The directory of the plugins.
    let plugins: String

    /// What is said when protoc is missing.
    static let missing = "protoc is not on the PATH; install it: apt-get install protobuf-compiler"

    /// Generates code.
    ///
    /// - Parameters:
    ///   - protos: The names of .proto files.
    ///   - directory: Where they are, and where their code goes.
    /// - Throws: `CommandFailure` with what protoc said of the files.
    func generate(_ protos: [String], in directory: String) async throws {
        guard await ToolRun.exists("protoc") else { throw CommandFailure(Self.missing) }
        try await protoc(
            [
                "--plugin=\(plugins)/protoc-gen-swift", "--plugin=\(plugins)/protoc-gen-grpc-swift-2",
                "--swift_out=\(directory)", "--swift_opt=Visibility=Public", "--swift_opt=UseAccessLevelOnImports=true",
                "--grpc-swift-2_out=\(directory)", "--grpc-swift-2_opt=Visibility=Public",
                "--grpc-swift-2_opt=UseAccessLevelOnImports=true",
            ] + protos,
            in: directory
        )
        for proto in protos {
            let file = URL(filePath: "\(directory)/\(DescriptorsFile.name(of: proto))")
            try await protoc(["--include_imports", "--descriptor_set_out=\(file.path)", proto], in: directory)
            let descriptors = DescriptorsFile(proto: proto, set: Array(try Data(contentsOf: file)))
            try Data(descriptors.text.utf8).write(to: file)
        }
    }

    private func protoc(_ arguments: [String], in directory: String) async throws {
        let outcome = try await ToolRun(
            program: "protoc",
            arguments: ["--proto_path=\(directory)"] + arguments,
            limit: Self.limit
        )()
        guard outcome.isSuccess else {
            throw CommandFailure("protoc: " + outcome.errors.split(separator: "\n").joined(separator: "\n  "))
        }
    }

    /// Generates code away from where the files are.
    ///
    /// - Parameter protos: .proto files of one directory, by their names.
    /// - Returns: The code's files, by their names.
    func code(of protos: [FileTree.File]) async throws -> [FileTree.File] {
        let manager = FileManager.default
        let scratch = manager.temporaryDirectory.appending(path: "kit-\(UUID().uuidString)")
        try manager.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? manager.removeItem(at: scratch) }
        for proto in protos { try Data(proto.bytes).write(to: scratch.appending(path: proto.path)) }
        try await generate(protos.map(\.path), in: scratch.path)
        return try manager.contentsOfDirectory(atPath: scratch.path).filter { $0.hasSuffix(".swift") }.sorted().map {
            FileTree.File(path: $0, bytes: Array(try Data(contentsOf: scratch.appending(path: $0))))
        }
    }
}
