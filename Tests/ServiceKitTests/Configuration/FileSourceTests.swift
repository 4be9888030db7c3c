import Foundation
@testable import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Synchronization
import Testing

/// Files that change in all the ways that programs change them.
@Suite(.timeLimit(.minutes(3))) struct FileSourceTests {
    /// A watcher without a limit for a writing: a busy machine may stop a test for long.
    private static func watcher() -> FileWatcher { FileWatcher(longestWriting: .seconds(3600)) }

    /// A watcher that is told by the kernel. The tests of a machine together may use up the inotify instances of the user;
    /// then this waits for one.
    private static func watching(_ path: String) async throws -> FileWatcher {
        let watcher = watcher()
        try await eventually {
            watcher.watch([path])
            return watcher.isComplete
        }
        return watcher
    }

    /// Follows files by inotify, and records what the source tells.
    private static func following(
        _ paths: [String],
        _ body: (Watched<[ConfigurationSourceState]>) async throws -> Void
    ) async throws {
        let states = Watched<[ConfigurationSourceState]>([])
        let source = FileSource(paths, watcher())
        let task = Task { await source.run { state in states.update { $0.append(state) } } }
        defer { task.cancel() }
        _ = await states.first { !$0.isEmpty }
        try await eventually { source.watcher.isComplete }
        try await body(states)
    }

    /// The text of the documents of the last state; the cause of one that is away.
    private static func text(_ states: [ConfigurationSourceState]) -> String {
        switch states.last {
        case .loaded(let documents): documents.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: "|")
        case .away(let cause): "away: \(cause)"
        case nil: ""
        }
    }

    private static func wait(for text: String, in states: Watched<[ConfigurationSourceState]>) async {
        _ = await states.first { Self.text($0) == text }
    }

    @Test func fileThatIsWrittenInPlaceIsSeen() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 1", to: "app.yaml")
            try await Self.following([file]) { states in
                #expect(Self.text(states.value) == "a: 1")
                let handle = try FileHandle(forWritingTo: URL(filePath: file))
                try handle.truncate(atOffset: 0)
                try handle.write(contentsOf: Data("a: ".utf8))
                try handle.write(contentsOf: Data("2".utf8))
                try handle.close()
                await Self.wait(for: "a: 2", in: states)
                #expect(states.value.count == 2)
            }
        }
    }

    @Test func renameOfAnEditorIsSeenOnce() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 1", to: "app.yaml")
            try await Self.following([file]) { states in
                // vim: the old file becomes the backup, the new one gets its name.
                try FileManager.default.moveItem(atPath: file, toPath: file + "~")
                try directory.write("a: 2", to: "app.yaml")
                await Self.wait(for: "a: 2", in: states)
                try directory.write(Array("a: 3".utf8), to: "app.yaml")
                await Self.wait(for: "a: 3", in: states)
                #expect(states.value.count == 3)
            }
        }
    }

    @Test func swapOfAConfigMapIsSeenOnce() async throws {
        try await TemporaryDirectory.with { directory in
            let manager = FileManager.default
            try directory.write("a: 1", to: "..1/app.yaml")
            try directory.write("b: 1", to: "..1/other.yaml")
            try manager.createSymbolicLink(atPath: directory.path("..data"), withDestinationPath: "..1")
            for name in ["app.yaml", "other.yaml"] {
                try manager.createSymbolicLink(atPath: directory.path(name), withDestinationPath: "..data/\(name)")
            }
            for path in [[directory.path("app.yaml"), directory.path("other.yaml")], [directory.path]] {
                try await Self.following(path) { states in
                    let before = Self.text(states.value)
                    let number = before == "a: 1|b: 1" ? 2 : 3
                    try directory.write("a: \(number)", to: "..\(number)/app.yaml")
                    try directory.write("b: \(number)", to: "..\(number)/other.yaml")
                    try manager.createSymbolicLink(atPath: directory.path("..tmp"), withDestinationPath: "..\(number)")
                    #expect(rename(directory.path("..tmp"), directory.path("..data")) == 0)
                    try directory.remove("..\(number - 1)")
                    await Self.wait(for: "a: \(number)|b: \(number)", in: states)
                    #expect(states.value.count == 2)
                }
            }
        }
    }

    @Test func linkAnywhereOnThePathIsFollowed() async throws {
        try await TemporaryDirectory.with { directory in
            let manager = FileManager.default
            for number in 1...2 { try directory.write("a: \(number)", to: "releases/\(number)/conf/app.yaml") }
            try manager.createSymbolicLink(
                atPath: directory.path("current"), withDestinationPath: directory.path("releases/1"))
            try await Self.following([directory.path("current/conf/app.yaml")]) { states in
                try manager.createSymbolicLink(atPath: directory.path("next"), withDestinationPath: "releases/2")
                #expect(rename(directory.path("next"), directory.path("current")) == 0)
                await Self.wait(for: "a: 2", in: states)
                try directory.write("a: 3", to: "releases/2/conf/app.yaml")
                await Self.wait(for: "a: 3", in: states)
            }
        }
    }

    @Test func fileThatIsRemovedAndPutBackIsAwayMeanwhile() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 1", to: "conf/app.yaml")
            try await Self.following([file]) { states in
                try directory.remove("conf/app.yaml")
                let missing = "away: \(file): no such file; create it or name another one"
                await Self.wait(for: missing, in: states)
                try directory.write("a: 2", to: "conf/app.yaml")
                await Self.wait(for: "a: 2", in: states)
                // With its directory.
                try directory.remove("conf")
                await Self.wait(for: missing, in: states)
                try directory.write("a: 3", to: "conf/app.yaml")
                await Self.wait(for: "a: 3", in: states)
            }
        }
    }

    @Test func directoryIsReadInTheOrderOfItsNames() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write("a: 2", to: "conf/20.yaml")
            try directory.write("a: 1", to: "conf/10.yaml")
            try directory.write("a: x", to: "conf/note.txt")
            try directory.write("a: x", to: "conf/.hidden.yaml")
            try await Self.following([directory.path("conf")]) { states in
                #expect(Self.text(states.value) == "a: 1|a: 2")
                try directory.write("a: 3", to: "conf/15.yaml")
                await Self.wait(for: "a: 1|a: 3|a: 2", in: states)
                try directory.remove("conf/20.yaml")
                await Self.wait(for: "a: 1|a: 3", in: states)
            }
        }
    }

    @Test func refreshReadsAgainAndTellsNothingNew() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 1", to: "app.yaml")
            let states = Watched<[ConfigurationSourceState]>([])
            let source = FileSource([file], Self.watcher())
            let task = Task { await source.run { state in states.update { $0.append(state) } } }
            defer { task.cancel() }
            _ = await states.first { !$0.isEmpty }
            try await eventually { source.watcher.isComplete }
            source.refresh()
            try directory.write("a: 2", to: "app.yaml")
            _ = await states.first { Self.text($0) == "a: 2" }
            #expect(states.value.count == 2)
        }
    }

    // MARK: - Files that a program is writing

    private static func writing(_ file: String) throws -> FileHandle {
        let handle = try FileHandle(forWritingTo: URL(filePath: file))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data("a: 1".utf8))
        return handle
    }

    @Test func halfWrittenFileIsNotReadWhenAnotherFileChanges() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 1", to: "app.yaml")
            try directory.write("b: 1", to: "other.yaml")
            try await Self.following([directory.path]) { states in
                for number in 2...40 {
                    let handle = try Self.writing(file)
                    try directory.write(Array("b: \(number)".utf8), to: "other.yaml")
                    await Task.yield()
                    try handle.write(contentsOf: Data("\(number)".utf8))
                    try handle.close()
                    await Self.wait(for: "a: 1\(number)|b: \(number)", in: states)
                }
                let texts = Set(states.value.map { Self.text([$0]) })
                #expect(
                    !texts.contains { $0.hasPrefix("a: 1|b") && $0 != "a: 1|b: 1" || $0.hasPrefix("|") }, "\(texts)")
            }
        }
    }

    /// The kernel truncates a file before it tells that somebody writes.
    @Test func fileThatHasBecomeEmptyOrIsGoneMayBeIncomplete() {
        func files(_ texts: [String: String]) -> ConfigurationSourceState {
            .loaded(texts.map { ConfigurationDocument(origin: $0.key, bytes: Array($0.value.utf8)) })
        }
        let last = files(["a": "x: 1", "b": ""])
        #expect(FileSource.mayBeIncomplete(.away("no such file"), after: last))
        #expect(FileSource.mayBeIncomplete(.away("no such file"), after: nil))
        #expect(FileSource.mayBeIncomplete(files(["a": "", "b": "y: 1"]), after: last))
        #expect(!FileSource.mayBeIncomplete(files(["a": "x: 2", "b": "", "c": ""]), after: last))
        #expect(!FileSource.mayBeIncomplete(files(["a": ""]), after: nil))
        #expect(!FileSource.mayBeIncomplete(files(["a": ""]), after: .away("no such file")))
    }

    @Test func fileIsBeingWrittenUntilItIsClosed() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 0", to: "releases/1/app.yaml")
            try directory.link("current", to: "releases/1")
            let watcher = try await Self.watching(directory.path("current/app.yaml"))
            #expect(await watcher.reading {} != nil)
            let handle = try Self.writing(file)
            #expect(await watcher.reading {} == nil)
            // Watching again forgets nothing.
            watcher.watch([directory.path("current/app.yaml")])
            #expect(await watcher.reading {} == nil)
            try handle.close()
            // A program that another test starts at this moment has the file open until its `exec`.
            try await eventually { await watcher.reading {} != nil }
        }
    }

    @Test func fileThatIsWrittenAndClosedDuringAReadingIsReadAgain() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 0", to: "app.yaml")
            let watcher = try await Self.watching(file)
            let result = await watcher.reading { Result { try Self.writing(file).close() } }
            #expect(result == nil)
            try await eventually { await watcher.reading { 1 } == 1 }
        }
    }

    @Test func newFileIsBeingWrittenUntilItIsClosedOrRenamed() async throws {
        try await TemporaryDirectory.with { directory in
            let file = directory.path("app.yaml")
            let watcher = try await Self.watching(file)
            #expect(FileManager.default.createFile(atPath: directory.path("note.txt"), contents: nil))
            #expect(await watcher.reading {} != nil)
            let descriptor = open(file, O_CREAT | O_WRONLY, 0o600)
            #expect(descriptor >= 0)
            watcher.watch([file])
            #expect(await watcher.reading {} == nil)
            try directory.write(Array("a: 1".utf8), to: "app.yaml")
            #expect(await watcher.reading {} != nil)
            #expect(close(descriptor) == 0)
        }
    }

    @Test func fileThatHasJustChangedMayBeIncompleteWhereInotifyCannotWatch() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 1", to: "app.yaml")
            let watcher = FileWatcher(mayUseInotify: false)
            watcher.watch([file])
            #expect(!watcher.isComplete)
            func setAge(_ seconds: Double) throws {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: file)
            }
            // A busy machine may stop the test between the two.
            try await eventually {
                try setAge(0)
                return await watcher.reading {} == nil
            }
            for age in [3, -3] as [Double] {
                try await eventually {
                    try setAge(age)
                    return await watcher.reading {} != nil
                }
            }
            try directory.remove("app.yaml")
            #expect(await watcher.reading {} != nil)
        }
    }

    @Test func directoryOnTheWayThatIsMovedAwayIsSeen() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 1", to: "etc/user/conf/app.yaml")
            try await Self.following([file]) { states in
                try directory.move("etc", to: "old")
                await Self.wait(for: "away: \(file): no such file; create it or name another one", in: states)
                try directory.write("a: 2", to: "new/user/conf/app.yaml")
                try directory.move("new", to: "etc")
                await Self.wait(for: "a: 2", in: states)
                try directory.write("a: 3", to: "etc/user/conf/app.yaml")
                await Self.wait(for: "a: 3", in: states)
            }
        }
    }

    @Test func directoryOnTheWayThatIsReplacedIsSeen() async throws {
        try await TemporaryDirectory.with { directory in
            let file = try directory.write("a: 1", to: "etc/user/app.yaml")
            try directory.write("a: 2", to: "new/user/app.yaml")
            try await Self.following([file]) { states in
                try directory.move("etc", to: "old")
                try directory.move("new", to: "etc")
                await Self.wait(for: "a: 2", in: states)
            }
        }
    }
}
