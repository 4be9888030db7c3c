import FoundationEssentials
import Testing

/// Runs `body` with a temporary directory.
func withTemporaryDirectory<T>(_ body: (_ path: String) throws -> T) throws -> T {
    let url = FileManager.default.temporaryDirectory.appending(path: "servicekit-config-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
}

func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
}

func write(_ text: String, to path: String) throws {
    try write(Array(text.utf8), to: path)
}

func setPermissions(_ permissions: Int, of path: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
}

/// Whether the user is root: permissions do not stop root.
var isSuperuser: Bool { ProcessInfo.processInfo.userName == "root" }
