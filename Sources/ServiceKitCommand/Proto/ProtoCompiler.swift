import FoundationEssentials
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Reads .proto files with protoc, and so accepts every file that protoc accepts.
struct ProtoCompiler: Sendable {
    private static let limit = Duration.seconds(60)

    let path: ProtoPath

    /// Reads files, named in the form of an import, with all their imports. Throws `CommandFailure` with the mistakes
    /// in them.
    func parse(_ names: [String]) async throws -> ProtoSet {
        guard await ToolRun.exists("protoc") else {
            throw CommandFailure("protoc is not on the PATH; install it: apt-get install protobuf-compiler")
        }
        return try await withTemporaryDirectory { scratch in
            let set = scratch + "/set"
            let arguments = ["--include_imports", "--include_source_info", "--descriptor_set_out=\(set)"]
            let outcome = try await ToolRun(
                program: "protoc",
                arguments: path.directories.map { "--proto_path=\($0.path)" } + arguments + names,
                limit: Self.limit
            )()
            guard outcome.isSuccess else { throw failure(outcome.errors) }
            let bytes = try Data(contentsOf: URL(filePath: set))
            let files = try DescriptorSetFile(bytes: Array(bytes)).files { name in
                let line = source(of: name)?.firstLineThatIsNotUTF8.map { "\($0):" } ?? ""
                return CommandFailure("\(located(name + ":"))\(line) a text is not UTF-8; save the file as UTF-8")
            }
            // The plugins' library ends the process at an unknown edition.
            let editions = DescriptorSet.bundledEditionsSupport
            if let file = files.first(where: { $0.syntax == "editions" && !editions.contains($0.edition) }) {
                throw CommandFailure(
                    "\(located(file.name + ":")) its edition is unknown to kit and the Swift plugins; they know those up to "
                        + "\(editions.upperBound)"
                )
            }
            return try ProtoSet(files)
        }
    }

    /// Runs protoc's plugins on files that were read before.
    static func run(_ arguments: [String]) async throws {
        let outcome = try await ToolRun(program: "protoc", arguments: arguments, limit: limit)()
        guard outcome.isSuccess else {
            throw CommandFailure("protoc: " + outcome.errors.split(separator: "\n").joined(separator: "\n  "))
        }
    }

    // MARK: - Failures

    private func failure(_ errors: String) -> CommandFailure {
        let lines = errors.split(whereSeparator: \.isNewline).map(String.init).filter { line in
            !["warning:", "WARNING"].contains { line.contains($0) }
        }
        let imports = lines.compactMap { missingImport(in: $0, among: lines) }
        if !imports.isEmpty { return CommandFailure(imports.joined(separator: "\n  ")) }
        let refused = lines.filter { $0.contains("Expected top-level statement") }.map {
            String($0.prefix { $0 != ":" })
        }
        if let name = refused.first(where: { source(of: $0)?.isUTF16 == true }) {
            return CommandFailure("\(located(name + ":")) the file is UTF-16; save it as UTF-8")
        }
        let hasEdition = refused.contains { source(of: $0)?.hasEdition == true }
        let remedy = hasEdition ? ["a file with an edition in place of syntax needs protoc 27 or later"] : []
        return CommandFailure((lines.map { "protoc: " + located($0) } + remedy).joined(separator: "\n  "))
    }

    private func source(of name: String) -> SourceEncoding? {
        path.directory(of: name).flatMap { FileManager.default.contents(atPath: "\($0.path)/\(name)") }
            .map { SourceEncoding(bytes: Array($0)) }
    }

    /// The message for a missing import. `nil` if only an import of the imported file is missing.
    private func missingImport(in line: String, among lines: [String]) -> String? {
        guard let match = line.firstMatch(of: /Import "([^"]+)" was not found or had errors/) else { return nil }
        let name = String(match.1)
        guard lines.contains(where: { $0.hasPrefix("\(name): File not found") }) else { return nil }
        let place = located(String(line[..<match.range.lowerBound])).replacing(/:\s*$/, with: "")
        let searched = path.directories.filter { $0.origin != .wellKnown }.map { Self.shown($0.name ?? $0.path) }
        let example = guess(for: name).map(Self.shown) ?? "DIR"
        return
            "\(place): import \"\(name)\" not found in \(searched.joined(separator: ", ")) or the files of protoc and kit; "
            + "add the directory that contains \(name): --proto-path \(Shell.quoted(example))"
    }

    /// Guesses the directory of a missing file: one above the searched directories, or `third_party` in it.
    private func guess(for name: String) -> String? {
        for directory in path.directories where directory.origin != .wellKnown {
            var above = URL(filePath: directory.path)
            for _ in 0..<8 where above.path != "/" {
                above = above.deletingLastPathComponent()
                for candidate in [above, above.appending(path: "third_party"), above.appending(path: "proto")] {
                    if FileManager.default.fileExists(atPath: candidate.appending(path: name).path) {
                        return candidate.path
                    }
                }
            }
        }
        return nil
    }

    /// A line that begins with a file's name, with the file's path instead.
    private func located(_ line: String) -> String {
        guard let end = line.firstIndex(of: ":") else { return line }
        let name = String(line[..<end])
        guard let directory = path.directory(of: name) else { return line }
        return "\(Self.shown(directory.name ?? directory.path))/\(name)\(line[end...])"
    }

    /// The shortest form of a path from this directory.
    private static func shown(_ path: String) -> String {
        let here = FileManager.default.currentDirectoryPath
        if path == here { return "." }
        return path.hasPrefix(here + "/") ? String(path.dropFirst(here.count + 1)) : path
    }
}

/// Runs a body with a directory that is removed afterwards.
func withTemporaryDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let manager = FileManager.default
    let scratch = manager.temporaryDirectory.appending(path: "kit-\(UUID().uuidString)")
    try manager.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? manager.removeItem(at: scratch) }
    return try await body(scratch.path)
}
