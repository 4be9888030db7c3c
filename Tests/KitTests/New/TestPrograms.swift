import Foundation

@testable import kit

/// Programs that were built beside the tests.
enum TestPrograms {
    private static let directory: String = {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return program.deletingLastPathComponent().path(percentEncoded: false)
    }()

    /// The `kit` itself.
    static var kit: String { directory + "/kit" }

    /// The directory of protoc's plugins; `nil` when they are not built.
    static var plugins: String? {
        ProtoPlugins.names.allSatisfy { FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)") }
            ? directory : nil
    }
}
