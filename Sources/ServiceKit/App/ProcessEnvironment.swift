private import FoundationEssentials

/// The process's environment, name and arguments.
public enum ProcessEnvironment {
    /// The environment variables, as they are now.
    public static var current: [String: String] { ProcessInfo.processInfo.environment }

    /// The name of the program's file.
    static var programName: String {
        CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "service"
    }
}

extension ProcessEnvironment {
    /// The user's part of a command line. Left out are the program and the settings of macOS that Xcode puts first:
    /// `-NSDocumentRevisionsDebugMode YES`.
    static func arguments(from commandLine: [String]) -> [String] {
        var arguments = commandLine.dropFirst()
        while let first = arguments.first, first.hasPrefix("-NS") || first.hasPrefix("-Apple"), arguments.count > 1 {
            arguments = arguments.dropFirst(2)
        }
        return Array(arguments)
    }
}
