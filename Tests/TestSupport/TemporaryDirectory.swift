import Foundation

/// A directory for one test, removed with it.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "servicekit-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path(percentEncoded: false)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Runs a body with a directory that lasts as long as the body.
    package static func with<Result>(_ body: (TemporaryDirectory) throws -> Result) throws -> Result {
        let directory = try TemporaryDirectory()
        return try withExtendedLifetime(directory) { try body(directory) }
    }

    /// Runs a body with a directory that lasts as long as the body.
    package static func with<Result>(_ body: (TemporaryDirectory) async throws -> Result) async throws -> Result {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        return try await body(directory)
    }

    /// The path of a file or directory in it.
    package func path(_ name: String) -> String {
        "\(path)/\(name)"
    }

    /// Writes a file in it, and the directories on the way there.
    ///
    /// - Returns: The path of the file.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        let url = URL(filePath: path(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return path(name)
    }

    /// Writes a file in it; readers see it change in one step.
    ///
    /// - Returns: The path of the file.
    @discardableResult
    package func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(filePath: path(name)), options: .atomic)
        return path(name)
    }

    /// The bytes of a file in it.
    package func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path(name))))
    }

    package func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path(name))
    }

    package func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path(name), toPath: path(other))
    }

    /// Creates a symbolic link in it to something else in it.
    package func link(_ name: String, to other: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: path(other))
    }

    /// Puts one file in the place of another in one step.
    package func replace(_ name: String, with other: String) throws {
        guard rename(path(other), path(name)) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    }

    package func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path(name))
    }

    /// The names in it, or in one of its directories, sorted.
    package func contents(_ name: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
    }

    /// Every file below it, sorted.
    package var files: [String] {
        let enumerator = FileManager.default.enumerator(atPath: path)
        return (enumerator?.compactMap { $0 as? String } ?? []).filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: self.path(name), isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }.sorted()
    }
}
