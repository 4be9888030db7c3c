import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// What a command does when its output cannot be written, as a process.
@Suite(.timeLimit(.minutes(3))) struct StandardOutputTests {
    @Test(arguments: [
        ["config", "init", "-"], ["config", "schema"], ["config", "show", "--set", "app.name=user"],
        ["config", "check"],
        ["version"], ["--version"], ["--help"], ["help", "config"],
        ["registry", "list", "--backend", "memory", "--json"], ["doctor", "--json"],
        ["--generate-completion-script", "bash"],
    ])
    func fullDiskIsAFailure(arguments: [String]) async throws {
        let directory = try TemporaryDirectory()
        let command = "cd '\(directory.path)' && exec '\(Kit.path)' \(arguments.joined(separator: " ")) > /dev/full"
        let result = try await RunningProgram.run("/bin/sh", ["-c", command])
        #expect(result.exit == .exited(1))
        #expect(result.errors.hasSuffix("Error: standard output cannot be written: No space left on device\n"))
    }

    @Test func differencesOnAFullDiskAreAFailure() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("a: 1\n", to: "a.yaml")
        try directory.write("a: 2\n", to: "b.yaml")
        let command = "cd '\(directory.path)' && exec '\(Kit.path)' config diff a.yaml b.yaml > /dev/full"
        let result = try await RunningProgram.run("/bin/sh", ["-c", command])
        // 1 would say that there are differences.
        #expect(result.exit == .exited(2))
        #expect(result.errors.contains("cannot be written"))
    }
}

@Suite struct OutputFileTests {
    private func failure(_ path: String, _ bytes: [UInt8] = [1]) -> String? {
        do {
            try OutputFile(path).write(bytes)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func newFileIsForItsOwnerAloneAndAnExistingOneKeepsItsMode() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path("a.yaml")
        try OutputFile(file).write(Array("one".utf8))
        #expect(try mode(file) == 0o600)
        for permissions in [0o644, 0o400, 0o666] {
            try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: file)
            try OutputFile(file).write(Array("two \(permissions)".utf8))
            #expect(try mode(file) == permissions)
            #expect(try directory.read("a.yaml") == Array("two \(permissions)".utf8))
        }
        #expect(try directory.contents() == ["a.yaml"])
    }

    @Test func symbolicLinksAreFollowedAndStay() throws {
        let directory = try TemporaryDirectory()
        try directory.write("old", to: "real/a.yaml")
        try FileManager.default.createSymbolicLink(
            atPath: directory.path("link.yaml"), withDestinationPath: "second.yaml")
        try FileManager.default.createSymbolicLink(
            atPath: directory.path("second.yaml"), withDestinationPath: "real/a.yaml")
        let file = try OutputFile(directory.path("link.yaml"))
        #expect(file.exists && file.has(Array("old".utf8)) && !file.has(Array("new".utf8)))
        try file.write(Array("new".utf8))
        #expect(try directory.read("real/a.yaml") == Array("new".utf8))
        #expect(try directory.contents() == ["link.yaml", "real", "second.yaml"])
        #expect(try directory.contents("real") == ["a.yaml"])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: directory.path("link.yaml")) == "second.yaml")
        // The target need not be there.
        try FileManager.default.createSymbolicLink(
            atPath: directory.path("new.yaml"), withDestinationPath: directory.path("real/b.yaml"))
        try OutputFile(directory.path("new.yaml")).write([1])
        #expect(try directory.read("real/b.yaml") == [1])
    }

    @Test func whatIsNoFileIsRefusedInPlainWords() throws {
        let directory = try TemporaryDirectory()
        let pipe = directory.path("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        #expect(failure(pipe) == "\(pipe) is no regular file; name another file, or none for standard output")
        #expect(failure(directory.path) == "\(directory.path) is a directory; name a file in it")
        let missing = directory.path("no/a.yaml")
        #expect(failure(missing) == "\(missing) cannot be written: its directory does not exist; create it")
        let below = directory.path("pipe/a.yaml")
        #expect(failure(below) == "\(below) cannot be written: a part of its path is no directory")
        let loop = directory.path("loop")
        try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: "loop")
        #expect(failure(loop) == "\(loop) is a symbolic link that leads nowhere; name another file")
        #expect(try directory.contents() == ["loop", "pipe"])
    }
}
