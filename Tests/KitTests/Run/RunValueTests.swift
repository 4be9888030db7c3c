import Foundation
import Testing

@testable import ServiceKitCommand

@Suite struct LinePrefixerTests {
    @Test func linesComeWhole() {
        var prefixer = LinePrefixer(prefix: "a | ")
        #expect(prefixer.add("on".utf8) == "")
        #expect(prefixer.add("e\ntwo\r\n\nth".utf8) == "a | one\na | two\na | \n")
        #expect(prefixer.finish() == "a | th\n")
        #expect(prefixer.finish() == "")
    }

    @Test func aCharacterInTwoPiecesIsOne() {
        var prefixer = LinePrefixer(prefix: "")
        let bytes = Array("é\n".utf8)
        #expect(prefixer.add(bytes[..<1]) == "")
        #expect(prefixer.add(bytes[1...]) == "é\n")
    }

    @Test func aLineWithoutEndIsCut() {
        var prefixer = LinePrefixer(prefix: "")
        let line = String(repeating: "x", count: LinePrefixer.maximumLineBytes)
        #expect(prefixer.add((line + "yz").utf8) == line + "\n")
        #expect(prefixer.finish() == "yz\n")
    }
}

@Suite struct DebouncerTests {
    private let start = ContinuousClock.now

    @Test func waitsForQuiet() {
        var debouncer = Debouncer()
        #expect(debouncer.due == nil)
        debouncer.note(at: start)
        debouncer.note(at: start + .milliseconds(50))
        #expect(debouncer.due == start + .milliseconds(50) + debouncer.quiet)
    }

    @Test func waitForQuietIsBounded() {
        var debouncer = Debouncer()
        for step in 0..<100 { debouncer.note(at: start + .milliseconds(50 * step)) }
        #expect(debouncer.due == start + debouncer.limit)
    }
}

@Suite struct PackageDescriptionTests {
    private func package(_ products: String) throws -> PackageDescription {
        let json =
            #"{"products": [\#(products)], "targets": [{"path": "cmd/a", "type": "executable", "name": "a"},"#
            + #"{"path": "Tests/ATests", "type": "test", "name": "ATests"}]}"#
        return try JSONDecoder().decode(PackageDescription.self, from: Data(json.utf8))
    }

    private let library = #"{"name": "L", "targets": ["L"], "type": {"library": ["automatic"]}}"#
    private let one = #"{"name": "one", "targets": ["one"], "type": {"executable": null}}"#
    private let two = #"{"name": "two", "targets": ["two"], "type": {"executable": null}}"#

    @Test func theOnlyExecutable() throws {
        #expect(try package("\(library), \(one)").executable(named: nil, in: ".") == "one")
    }

    @Test func severalProductsAreListed() throws {
        let package = try package("\(two), \(one)")
        #expect(try package.executable(named: "two", in: ".") == "two")
        let error = #expect(throws: CommandFailure.self) { try package.executable(named: nil, in: "here") }
        #expect(error?.description == "here has several executable products: one, two; choose one with --product")
        let other = #expect(throws: CommandFailure.self) { try package.executable(named: "three", in: "here") }
        #expect(other?.description.contains("one, two") == true)
    }

    @Test func missingProductIsAnError() throws {
        let error = #expect(throws: CommandFailure.self) { try package(library).executable(named: nil, in: "here") }
        #expect(error?.description.contains("executableTarget") == true)
    }

    @Test func testsAreNoSources() throws {
        let sources = try package(one).sources(in: "/p")
        #expect(sources.contains("/p/cmd/a"))
        #expect(sources.contains("/p/config"))
        #expect(!sources.contains { $0.contains("Tests") })
    }
}

@Suite struct SourceSnapshotTests {
    @Test(arguments: [".a.swift.swp", "a.swift~", "#a.swift#", "4913", "a.swift.tmp", ".build", "a.swift___jb_tmp___"])
    func editorsFilesAreNoSources(name: String) {
        #expect(!SourceSnapshot.isSource(name))
    }

    @Test(arguments: ["a.swift", "config.yaml", "user.proto", "Service"]) func sources(name: String) {
        #expect(SourceSnapshot.isSource(name))
    }

    @Test func everyKindOfFileChangeIsSeen() throws {
        let service = try TinyService("alpha")
        let roots = ["\(service.path)/Sources", "\(service.path)/missing"]
        let first = SourceSnapshot(of: roots)
        #expect(first == SourceSnapshot(of: roots))
        try service.write("", to: "Sources/alpha/.a.swift.swp")
        #expect(first == SourceSnapshot(of: roots))
        try FileManager.default.createDirectory(
            atPath: "\(service.path)/Sources/alpha/New", withIntermediateDirectories: true)
        #expect(first == SourceSnapshot(of: roots))
        try service.write("", to: "Sources/alpha/New/A.swift")
        let second = SourceSnapshot(of: roots)
        #expect(first != second)
        try FileManager.default.removeItem(atPath: "\(service.path)/Sources/alpha/New/A.swift")
        #expect(SourceSnapshot(of: roots) == first)
    }
}

@Suite(.timeLimit(.minutes(3))) struct SourceWatcherTests {
    @Test func aFileInANewDirectory() async throws {
        let service = try TinyService("alpha")
        let watcher = SourceWatcher(roots: ["\(service.path)/Sources"])
        try FileManager.default.createDirectory(
            atPath: "\(service.path)/Sources/alpha/New", withIntermediateDirectories: true)
        try service.write("", to: "Sources/alpha/New/A.swift")
        #expect(await watcher.waitForChange())
        try service.write("let a = 1", to: "Sources/alpha/New/A.swift")
        #expect(await watcher.waitForChange())
    }

    @Test func endsWhenCancelled() async throws {
        let service = try TinyService("alpha")
        let watcher = SourceWatcher(roots: ["\(service.path)/Sources"])
        let task = Task { await watcher.waitForChange() }
        task.cancel()
        #expect(await !task.value)
    }
}

@Suite struct SwiftToolTests {
    @Test func progressIsLeftOut() {
        let output = """
            [1/1] Planning build
            Building for debugging...
            [0/3] Write sources
            error: emit-module command failed
            /p/main.swift:1:5: error: no
            [x] what a program says
            [2/3] Compiling
            """
        #expect(
            SwiftTool.diagnostics(in: output) == """
                Building for debugging...
                error: emit-module command failed
                /p/main.swift:1:5: error: no
                [x] what a program says
                """
        )
    }

    @Test func argumentsAfterTheDashesGoToTheService() {
        let (directories, arguments) = RunCommand.split(
            ["a", "b", "--set", "--", "x"], of: ["kit", "run", "a", "--watch", "b", "--", "--set", "--", "x"])
        #expect(directories == ["a", "b"])
        #expect(arguments == ["--set", "--", "x"])
        #expect(RunCommand.split(["a"], of: ["kit", "run", "a"]).directories == ["a"])
    }

    @Test func namesAreToldApart() {
        #expect(RunCommand.names(of: ["/a/user", "/b/user", "/c/order", "/"]) == ["user", "user-2", "order", "/"])
    }
}
