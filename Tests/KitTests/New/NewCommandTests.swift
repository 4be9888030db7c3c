import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// `kit new` as a process.
@Suite(.timeLimit(.minutes(5)))
struct NewCommandTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// Runs `kit new` in the directory, through another program if one is given.
    private func new(_ arguments: String..., by starter: [String] = []) async throws -> ToolRun.Outcome {
        let git = ["GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"]
        let command = starter + [Kit.path, "new"] + arguments
        return try await ToolRun(
            program: "env", arguments: ["-C", directory.path] + git + command, limit: .seconds(120))()
    }

    private var entries: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).sorted()
    }

    @Test func aServiceIsWrittenAndCommitted() async throws {
        let outcome = try await new("user-service")
        #expect(outcome.isSuccess && outcome.errors == "", "\(outcome.errors)")
        #expect(outcome.output.hasSuffix("Next:\n\n  cd user-service\n  swift test\n  swift run\n"))
        #expect(entries == ["user-service"])
        let service = directory.path("user-service")
        let log = try await ToolRun(
            program: "git", arguments: ["-C", service, "log", "--format=%s"], limit: .seconds(60))()
        #expect(log.output == "Service user-service, as kit new writes it\n")
        let status = try await ToolRun(
            program: "git", arguments: ["-C", service, "status", "--short"], limit: .seconds(60))()
        #expect(status.isSuccess && status.output == "")
    }

    @Test func aDryRunWritesNothing() async throws {
        let outcome = try await new("user-service", "--dry-run")
        #expect(outcome.isSuccess)
        #expect(outcome.output.contains("config.production.yaml"))
        #expect(entries == [])
    }

    @Test(arguments: ["1x", "../x", "class", "", "😀"])
    func aBadNameIsRefusedInOneLine(_ name: String) async throws {
        let outcome = try await new(name)
        #expect(!outcome.isSuccess && outcome.output == "")
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(entries == [])
    }

    @Test func missingGitCreatesNoRepository() async throws {
        #expect(try await new("user-service", "--no-git").isSuccess)
        #expect(!FileManager.default.fileExists(atPath: directory.path("user-service/.git")))
    }

    @Test func aRepositoryHoldsNoOther() async throws {
        _ = try await ToolRun(program: "git", arguments: ["init", "-q", directory.path], limit: .seconds(60))()
        #expect(try await new("user-service").isSuccess)
        #expect(!FileManager.default.fileExists(atPath: directory.path("user-service/.git")))
    }

    @Test func aFailureOfGitIsAWarning() async throws {
        try await fakeGit("echo 'fatal: git is tired' >&2; exit 1")
        let outcome = try await new("user-service", by: fakedGit)
        #expect(outcome.isSuccess)
        #expect(outcome.errors == "kit: warning: no first commit: git init: fatal: git is tired\n")
        #expect(FileManager.default.fileExists(atPath: directory.path("user-service/Package.swift")))
    }

    @Test(arguments: [("INT", 130), ("TERM", 143)])
    func interruptionLeavesNoFiles(_ signal: String, code: Int) async throws {
        // While git runs, the files exist under their temporary name.
        try await fakeGit("kill -\(signal) $PPID; exec sleep 50")
        let outcome = try await new("user-service", by: ["sh", "-c", "\"$@\"; echo $?", "sh"] + fakedGit)
        #expect(outcome.output == "\(code)\n")
        #expect(outcome.errors == "kit: interrupted; nothing was written\n")
        #expect(entries == ["bin"])
    }

    @Test(.enabled("only root can mount a small file system") { await NewCommandTests.canMount })
    func fullDiskLeavesNoFiles() async throws {
        let script = "mount -t tmpfs -o size=64k none . && cd \"$PWD\" && \"$@\"; echo $? && ls -A"
        let outcome = try await new("user-service", by: ["unshare", "--mount", "sh", "-c", script, "sh"])
        #expect(outcome.output == "1\n")
        #expect(outcome.errors.contains("No space left on device; nothing was written; free space"))
    }

    @Test(.enabled("only root can become nobody") { geteuid() == 0 })
    func aDirectoryOfSomebodyElseIsNamed() async throws {
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let outcome = try await new("user-service", by: nobody)
        #expect(!outcome.isSuccess)
        #expect(
            outcome.errors.contains("Permission denied; nothing was written; use another --path"), "\(outcome.errors)")
        #expect(entries == [])
    }

    static var canMount: Bool {
        get async {
            let mount = ["--mount", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
            return (try? await ToolRun(program: "unshare", arguments: mount, limit: .seconds(60))())?.isSuccess == true
        }
    }

    /// A separate process writes the file. Otherwise children of other tests could inherit it open for writing, and it
    /// could not run.
    private func fakeGit(_ script: String) async throws {
        let write = #"mkdir "$1" && printf '#!/bin/sh\n%s\n' "$2" >"$1/git" && chmod 755 "$1/git""#
        let arguments = ["-c", write, "sh", directory.path("bin"), script]
        let outcome = try await ToolRun(program: "sh", arguments: arguments, limit: .seconds(60))()
        try #require(outcome.isSuccess, "\(outcome.reason)")
    }

    private var fakedGit: [String] { ["env", "PATH=\(directory.path("bin")):/usr/bin:/bin"] }
}
