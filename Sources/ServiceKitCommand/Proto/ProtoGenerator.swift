import FoundationEssentials
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Generates the Swift code of .proto files: with protoc's plugins, and each ``DirectFile`` by itself.
struct ProtoGenerator: Sendable {
    let plugins: String

    /// The files of an API: its code, and the .proto files that come with it. Paths are relative to the package. Throws
    /// `CommandFailure` with the plugins' message.
    func files(of api: ProtoAPI) async throws -> [FileTree.File] {
        let code = try await code(of: api.generated, in: api.set, modules: api.modules)
        return api.copies + code.map { FileTree.File(path: "\(api.directory)/\($0.path)", bytes: $0.bytes) }
    }

    /// Generates the code of files of the set, by name and for one directory. Modules contain the code of imported
    /// files, by file.
    func code(of names: [String], in set: ProtoSet, modules: [String: String]) async throws -> [FileTree.File] {
        if names.isEmpty { return [] }
        return try await withTemporaryDirectory { scratch in
            let swift = SwiftNames(set.files)
            var input = Google_Protobuf_FileDescriptorSet()
            input.file = swift.files
            try Data(input.serializedBytes() as [UInt8]).write(to: URL(filePath: "\(scratch)/set"))
            var options = ["Visibility=Public", "UseAccessLevelOnImports=true"]
            let mappings = Self.mappings(modules)
            if !modules.isEmpty {
                try Data(mappings.textFormatString().utf8).write(to: URL(filePath: "\(scratch)/modules"))
                options.append("ProtoPathModuleMappings=\(scratch)/modules")
            }
            let output = "\(scratch)/code"
            try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
            try await ProtoCompiler.run(
                ["swift", "grpc-swift-2"].flatMap { plugin in
                    ["--plugin=\(plugins)/protoc-gen-\(plugin)", "--\(plugin)_out=\(output)"]
                        + options.map { "--\(plugin)_opt=\($0)" }
                } + ["--descriptor_set_in=\(scratch)/set"] + names
            )
            var files: [FileTree.File] = []
            let unique = Self.swiftNames(of: names)
            // An imported file has only messages and errors. The files that import it describe it.
            let described = names.filter { !$0.contains("/") || set.file($0)?.service.isEmpty == false }
            let constants = DescriptorsFile.constants(of: described)
            let shared = Set(modules.values)
            let imported = try ProtoFileToModuleMappings(moduleMappingsProto: mappings)
            for (name, swiftName) in zip(names, unique) {
                func add(_ kind: String, _ text: String) {
                    files.append(FileTree.File(path: "\(swiftName).\(kind).swift", bytes: Array(text.utf8)))
                }
                func read(_ kind: String) throws -> String {
                    let path = "\(output)/\(DescriptorsFile.stem(of: name)).\(kind).swift"
                    return String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
                }
                add("pb", Self.importing(shared, in: try read("pb")))
                if let code = try swift.directCode(of: name, modules: imported) { add(DirectFile.kind, code) }
                guard let constant = constants[name] else { continue }
                let calls = GRPCMethodName.replacing(swift.methods, in: try read("grpc"))
                add("grpc", Self.importing(shared, in: calls))
                let descriptors = DescriptorsFile(proto: name, set: try set.closure(of: name), constant: constant)
                add("descriptors", descriptors.text)
            }
            return files
        }
    }

    /// The plugins' table of modules.
    static func mappings(_ modules: [String: String]) -> SwiftProtobuf_GenSwift_ModuleMappings {
        var mappings = SwiftProtobuf_GenSwift_ModuleMappings()
        mappings.mapping = modules.sorted { $0.key < $1.key }.map { file, module in
            .with {
                $0.moduleName = module
                $0.protoFilePath = [file]
            }
        }
        return mappings
    }

    /// Code with imports of the modules that it names. The plugins import the module of every imported file, even if
    /// the code names none of its types. They miss the module of a file that is imported through another file, with
    /// `import public`.
    private static func importing(_ modules: Set<String>, in code: String) -> String {
        if modules.isEmpty { return code }
        var lines = code.split(separator: "\n", omittingEmptySubsequences: false)
        for module in modules.sorted() {
            let line = "public import \(module)"
            let isNamed = lines.contains { names(module, in: $0) }
            let imported = lines.firstIndex { $0 == line }
            if let imported, !isNamed {
                lines.remove(at: imported)
            } else if imported == nil, isNamed,
                let last = lines.lastIndex(where: { $0.hasPrefix("public import ") || $0.hasPrefix("internal import ") }
                )
            {
                lines.insert(line[...], at: last + 1)
            }
        }
        return lines.joined(separator: "\n")
    }

    /// Whether a line of code names a type of a module. An import of one type does not count.
    private static func names(_ module: String, in line: Substring) -> Bool {
        guard !line.hasPrefix("@_exported"), !line.drop(while: { $0 == " " }).hasPrefix("//") else { return false }
        return line.ranges(of: "\(module).").contains { range in
            guard let before = line[..<range.lowerBound].last else { return true }
            return !(before.isLetter || before.isNumber || before == "_")
        }
    }

    // MARK: - Names of files

    /// The common beginning of the names of a .proto file's code files: `common_types` for `common/types.proto`. No two
    /// files of a module may have the same name, so the name contains the directory.
    static func swiftName(of proto: String) -> String {
        DescriptorsFile.stem(of: proto).replacing("/", with: "_")
    }

    /// The same for several files. The names differ on every file system.
    static func swiftNames(of protos: [String]) -> [String] {
        let names = uniqueNames(of: protos, swiftName) { $0.lowercased() }
        return protos.compactMap { names[$0] }
    }

    /// Names for files, by file. A name whose form another file has already gets `_` behind it. The files at the top of
    /// the directory come first, so that they keep their names.
    static func uniqueNames(
        of protos: [String], _ name: (String) -> String, form: (String) -> String
    ) -> [String: String] {
        var taken: Set<String> = []
        var names: [String: String] = [:]
        for proto in protos.sorted(by: { ($0.contains("/") ? 1 : 0, $0) < ($1.contains("/") ? 1 : 0, $1) }) {
            var unique = name(proto)
            while !taken.insert(form(unique)).inserted { unique += "_" }
            names[proto] = unique
        }
        return names
    }
}
