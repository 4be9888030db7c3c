import Foundation
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitCommand

/// `kit run` with real packages and builds.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RunCommandTests {
    @Test func singleServiceIsRun() async throws {
        let service = try TinyService("alpha")
        let result = try await Kit.run(["run", service.path, "--", "--set", "a=b"]) { kit in
            try await kit.waitForOutput("unfinished")
            // A PATH with a further directory is one without swift.
            #expect(try kit.environment()["PATH"] == ProcessInfo.processInfo.environment["PATH"])
            #expect(try kit.environment()["HOME"] == ProcessInfo.processInfo.environment["HOME"])
            kit.signal(SIGINT)
        }
        #expect(result.exit == .exited(0))
        #expect(result.output.contains("arguments --set,a=b\n"))
        #expect(result.output.contains("/alpha\n"), "it runs in its own directory")
        #expect(result.output.hasSuffix("stopped\n"))
        #expect(result.errors.contains("kit: alpha: built in "))
        let pid = try #require(TinyService.pids(in: result.output).first)
        try await waitForEnd(of: pid)
    }

    @Test func twoServicesAreToldApart() async throws {
        let (alpha, beta) = (try TinyService("alpha"), try TinyService("beta"))
        let result = try await Kit.run(["run", alpha.path, beta.path]) { kit in
            try await kit.waitForOutput("alpha | in ")
            try await kit.waitForOutput("beta  | in ")
            kit.signal(SIGTERM)
        }
        #expect(result.exit == .exited(0))
        // The last line had no end.
        #expect(result.output.contains("alpha | unfinishedstopped\n"))
        #expect(result.output.contains("beta  | unfinishedstopped\n"))
        #expect(
            result.output.split(separator: "\n").allSatisfy { $0.hasPrefix("alpha | ") || $0.hasPrefix("beta  | ") })
        #expect(!result.output.contains("\u{1B}"))
    }

    @Test func whenOneEndsTheOtherIsStoppedAndItsExitCodeIsTheResult() async throws {
        let (alpha, beta) = (try TinyService("alpha"), try TinyService("beta"))
        try beta.write(try alpha.program(endingWith: 3), to: "Sources/beta/main.swift")
        let result = try await Kit.run(["run", alpha.path, beta.path])
        #expect(result.exit == .exited(3))
        #expect(result.errors.contains("kit: beta: ended with exit code 3\n"))
        for pid in TinyService.pids(in: result.output) { try await waitForEnd(of: pid) }
    }

    /// Like a paused terminal, or `kit run … | less`.
    @Test func unreadOutputDelaysNoStop() async throws {
        let (alpha, beta) = (try TinyService("alpha"), try TinyService("beta"))
        for service in [alpha, beta] {
            try service.write(service.talkativeProgram, to: "Sources/\(service.name)/main.swift")
        }
        let pipe = try StalledPipe()
        let kit = try RunningProgram(Kit.path, ["run", alpha.path, beta.path], output: .descriptor(pipe.writer))
        for service in [alpha, beta] {
            try await eventually { FileManager.default.fileExists(atPath: "\(service.path)/talked") }
        }
        kit.signal(SIGINT)
        #expect(try await kit.waitForExit() == .exited(0))
    }

    /// Like `kit run … | head`.
    @Test func runStopsWhenItsOutputIsClosed() async throws {
        let (alpha, beta) = (try TinyService("alpha"), try TinyService("beta"))
        try alpha.write(alpha.talkativeProgram, to: "Sources/alpha/main.swift")
        let pipe = try StalledPipe(isFull: false)
        pipe.closeReader()
        let kit = try RunningProgram(Kit.path, ["run", alpha.path, beta.path], output: .descriptor(pipe.writer))
        #expect(try await kit.waitForExit() == .exited(0))
    }

    @Test func killedKitLeavesNoProcess() async throws {
        let (alpha, beta) = (try TinyService("alpha"), try TinyService("beta"))
        let result = try await Kit.run(["run", alpha.path, beta.path]) { kit in
            try await kit.waitForOutput("alpha | in ")
            try await kit.waitForOutput("beta  | in ")
            kit.signal(SIGKILL)
        }
        #expect(result.exit == .signaled(SIGKILL))
        let pids = TinyService.pids(in: result.output)
        #expect(pids.count == 2)
        for pid in pids { try await waitForEnd(of: pid) }
    }

    @Test func watching() async throws {
        let service = try TinyService("alpha")
        let result = try await Kit.run(["run", "--watch", service.path]) { kit in
            try await kit.waitForOutput("version 1 ")
            try service.write("let wrong: Int = \"text\"\n", to: "Sources/alpha/Extra.swift")
            let errors = try await kit.waitForErrors("the build failed; the last one goes on")
            #expect(errors.contains("error: cannot convert value of type 'String'"))
            let pid = try #require(TinyService.pids(in: try await kit.waitForOutput("pid")).first)
            #expect(kill(pid, 0) == 0)

            try FileManager.default.removeItem(atPath: "\(service.path)/Sources/alpha/Extra.swift")
            try service.writeMain(version: "2")
            try await kit.waitForOutput("version 2 ")
            #expect(kill(pid, 0) != 0)
            kit.signal(SIGINT)
        }
        #expect(result.exit == .exited(0))
        #expect(result.output.contains("stopped\nversion 2 "), "the old one stops before the new one starts")
        #expect(result.errors.contains(/kit: alpha: rebuilt in [0-9.]+ s, restarted\n/))
    }

    @Test func aServiceThatEndsIsStartedAgainAfterAChange() async throws {
        let service = try TinyService("alpha")
        let result = try await Kit.run(["run", "--watch", service.path, "--", "4"]) { kit in
            try await kit.waitForErrors("kit: alpha: ended with exit code 4; waiting for a change\n")
            try service.writeMain(version: "2")
            try await kit.waitForOutput("version 2 ")
            // The second program ends like the first.
            try await kit.waitForErrors("kit: alpha: ended with exit code 4; waiting for a change\n", times: 2)
            kit.signal(SIGINT)
        }
        #expect(result.exit == .exited(0))
    }

    @Test func failedBuildEndsTheRun() async throws {
        let service = try TinyService("alpha")
        try service.write("let wrong: Int = \"text\"\n", to: "Sources/alpha/main.swift")
        let result = try await Kit.run(["run", service.path])
        #expect(result.exit == .exited(1))
        #expect(result.errors.contains("main.swift:1:"))
        #expect(result.errors.hasSuffix("kit: alpha: the build failed\n"))
        #expect(result.output.isEmpty)
    }

    @Test func interruptionDuringABuildStops() async throws {
        let service = try TinyService("alpha")
        let slow = (0..<400).map { "let value\($0) = [1, 2.0, 3].map { $0 * 2 + Double(\($0)) }.reduce(0, +)" }
        try service.write(slow.joined(separator: "\n"), to: "Sources/alpha/Slow.swift")
        let result = try await Kit.run(["run", "--watch", service.path]) { kit in
            try await kit.waitForErrors("kit: alpha: building")
            kit.signal(SIGINT)
        }
        #expect(result.exit == .exited(0))
        #expect(result.output.isEmpty)
    }

    @Test func missingSwiftIsAnError() async throws {
        let service = try TinyService("alpha")
        let result = try await Kit.run(["run", service.path], environment: ["PATH": service.path])
        #expect(result.exit == .exited(1))
        #expect(result.errors.contains("swift is not on the PATH; kit doctor lists"), "\(result.errors)")
    }

    @Test func directoryWithoutAPackageIsRefused() async throws {
        let result = try await Kit.run(["run", "/"])
        #expect(result.exit == .exited(1))
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(result.errors.contains("Package.swift"))
    }
}

extension TinyService {
    /// A program that prints all the time. It creates a file after more output than pipes hold.
    var talkativeProgram: String {
        """
        import Glibc
        let line = String(repeating: "x", count: 99) + "\\n"
        var count = 0
        while write(STDOUT_FILENO, line, 100) == 100 {
            count += 1
            if count == 2000 { close(open("talked", O_CREAT | O_WRONLY, 0o600)) }
        }
        while true { pause() }
        """
    }

    /// A program that ends by itself.
    func program(endingWith code: Int32) throws -> String {
        """
        import Glibc
        exit(\(code))
        """
    }
}
