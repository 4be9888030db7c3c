private import FoundationEssentials

/// What the process was started with.
public enum ProcessEnvironment {
    /// The environment variables, as they are now.
    public static var current: [String: String] { ProcessInfo.processInfo.environment }

    /// The name of the program's file.
    static var programName: String {
        CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "service"
    }
}

/// Questions to the file system.
enum FileSystem {
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }
}
