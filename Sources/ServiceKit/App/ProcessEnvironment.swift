private import FoundationEssentials

/// The process's environment and name.
public enum ProcessEnvironment {
    /// The environment variables, as they are now.
    public static var current: [String: String] { ProcessInfo.processInfo.environment }

    /// The name of the program's file.
    static var programName: String {
        CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "service"
    }
}
