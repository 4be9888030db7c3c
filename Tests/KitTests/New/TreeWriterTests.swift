import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// Trees are written as a whole or not at all.
@Suite(.timeLimit(.minutes(3)))
struct TreeWriterTests {
    private let directory: TemporaryDirectory
    private let tree = FileTree([
        .init(path: "a", bytes: Array("new a".utf8)), .init(path: "b/c", bytes: Array("new c".utf8)),
        .init(path: "b/d/e", bytes: Array("new e".utf8)),
    ])

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: directory.path(name), encoding: .utf8)
    }

    private struct Failure: Error {}

    @Test(arguments: ["x", "p/q/x"])
    func aTreeIsWritten(_ name: String) async throws {
        try await TreeWriter(directory: directory.path(name)).write(tree)
        #expect(directory.files == ["\(name)/a", "\(name)/b/c", "\(name)/b/d/e"])
        #expect(try text("\(name)/b/c") == "new c")
    }

    @Test func anEmptyDirectoryIsWrittenInto() async throws {
        try FileManager.default.createDirectory(atPath: directory.path("x"), withIntermediateDirectories: true)
        let before = try FileManager.default.attributesOfItem(atPath: directory.path("x"))[.systemFileNumber] as? Int
        try await TreeWriter(directory: directory.path("x")).write(tree)
        #expect(directory.files == ["x/a", "x/b/c", "x/b/d/e"])
        // The directory stays the same, since it may be a shell's current directory.
        let after = try FileManager.default.attributesOfItem(atPath: directory.path("x"))[.systemFileNumber] as? Int
        #expect(before == after)
    }

    @Test func aDirectoryWithSomethingInItIsRefused() async throws {
        try directory.write("mine", to: "x/f")
        let failure = await #expect(throws: CommandFailure.self) {
            try await TreeWriter(directory: directory.path("x")).write(tree)
        }
        #expect(failure?.description.contains("exists and is not empty") == true)
        #expect(directory.files == ["x/f"])
    }

    @Test func forceWritesIntoADirectoryAndKeepsOtherFiles() async throws {
        try directory.write("mine", to: "x/b/f")
        try directory.write("old a", to: "x/a")
        try await TreeWriter(directory: directory.path("x"), allowsExisting: true).write(tree)
        #expect(directory.files == ["x/a", "x/b/c", "x/b/d/e", "x/b/f"])
        #expect(try text("x/a") == "new a" && text("x/b/f") == "mine")
    }

    @Test func fileInTheWayChangesNothing() async throws {
        try directory.write("old a", to: "x/a")
        try directory.write("a file where a directory goes", to: "x/b/d")
        let failure = await #expect(throws: CommandFailure.self) {
            try await TreeWriter(directory: directory.path("x"), allowsExisting: true).write(tree)
        }
        #expect(failure?.description.contains("is in the way") == true)
        #expect(directory.files == ["x/a", "x/b/d"])
        #expect(try text("x/a") == "old a")
    }

    @Test(arguments: ["x", "p/q/x"])
    func failureLeavesNoFiles(_ name: String) async throws {
        await #expect(throws: Failure.self) {
            try await TreeWriter(directory: directory.path(name)).write(tree) { new in
                #expect(FileManager.default.fileExists(atPath: new + "/b/d/e"))
                throw Failure()
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test func cancellationLeavesNoFiles() async throws {
        let (directory, tree) = (directory, tree)
        let writing = Task {
            try await TreeWriter(directory: directory.path("p/x")).write(tree) { _ in
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { try await writing.value }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test func aFileInTheWayIsNamed() async throws {
        try directory.write("mine", to: "p")
        let failure = await #expect(throws: CommandFailure.self) {
            try await TreeWriter(directory: directory.path("p/x")).write(tree)
        }
        #expect(failure?.description == "\(directory.path("p")) is not a directory; use another --path")
        let other = await #expect(throws: CommandFailure.self) {
            try await TreeWriter(directory: directory.path("p")).write(tree)
        }
        #expect(other?.description.contains("is not a directory") == true)
        #expect(directory.files == ["p"])
    }

    @Test func aPlaceThatCannotBeWrittenToIsNamed() async throws {
        let failure = await #expect(throws: CommandFailure.self) {
            try await TreeWriter(directory: "/proc/x").write(tree)
        }
        #expect(failure?.description.contains("cannot create /proc/") == true)
        #expect(failure?.description.contains("use another --path") == true)
    }
}
