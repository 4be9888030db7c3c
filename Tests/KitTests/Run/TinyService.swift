import Foundation
import ServiceKitTestSupport
import Testing

/// A package without dependencies in a directory of its own. Its program prints and obeys SIGTERM.
final class TinyService: Sendable {
    let name: String
    let path: String
    private let root: TemporaryDirectory

    init(_ name: String) throws {
        self.name = name
        root = try TemporaryDirectory()
        path = root.path(name)
        try write(
            """
            // swift-tools-version: 6.2
            import PackageDescription
            let package = Package(name: "\(name)", targets: [.executableTarget(name: "\(name)")])
            """,
            to: "Package.swift"
        )
        try writeMain(version: "1")
    }

    /// Writes the program. It prints its version, its number and its arguments.
    func writeMain(version: String) throws {
        try write(
            """
            import Glibc
            let arguments = CommandLine.arguments.dropFirst()
            func say(_ text: String) { _ = write(STDOUT_FILENO, text, text.utf8.count) }
            signal(SIGTERM) { _ in
                say("stopped\\n")
                _exit(0)
            }
            say("version \(version) pid \\(getpid()) arguments \\(arguments.joined(separator: ","))\\n")
            let place = "in \\(String(cString: getcwd(nil, 0)))\\n"
            if let code = arguments.first.flatMap({ Int32($0) }) {
                say(place)
                exit(code)
            }
            // At once: a test that has seen the place may end the program.
            say(place + "unfinished")
            while true { pause() }
            """,
            to: "Sources/\(name)/main.swift"
        )
    }

    func write(_ text: String, to file: String) throws {
        try root.write(text, to: "\(name)/\(file)")
    }

    /// The process numbers that programs have printed.
    static func pids(in output: String) -> [Int32] {
        output.matches(of: #/pid (\d+) /#).compactMap { Int32($0.output.1) }
    }
}

/// Waits for the end of a process that is not a child of this one.
func waitForEnd(of pid: Int32) async throws {
    while kill(pid, 0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
}
