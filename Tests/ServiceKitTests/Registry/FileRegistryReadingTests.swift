import Foundation
import Logging
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// Foreign files in a file registry's directory, and unusable directories.
@Suite(.timeLimit(.minutes(1)))
struct FileRegistryReadingTests {
    let directory: TemporaryDirectory
    let log = LogRecorder()
    let registry: FileRegistry

    init() throws {
        directory = try TemporaryDirectory()
        registry = FileRegistry(directory: directory.path, logger: log.logger())
    }

    @Test(arguments: [
        ("{\"id\":\"x\",\"na", "corrupted"),
        ("[]", "typeMismatch"),
        ("{\"id\":\"y\",\"name\":\"user\"}", "misplaced"),
        ("{\"id\":\"x\",\"name\":\"admin\"}", "misplaced"),
        ("{\"name\":\"user\",\"endpoints\":[\"grpc://127.0.0.1:9000\"]}", "no \"id\""),
        (String(repeating: " ", count: InstanceFile.maximumSize + 1), "longer than"),
    ])
    func aFileThatIsNoInstanceIsSkippedAndLoggedOncePerChange(_ contents: String, _ cause: String) async throws {
        let registration = try await registry.registered(instance("a"))
        for change in 1...2 {
            try directory.write(contents + String(repeating: "\n", count: change), to: "user/x.json")
            for _ in 0..<3 {
                #expect(try await registry.instances(of: "user") == [instance("a")])
            }
            #expect(log.count(of: "skipped a file of the registry") == change)
        }
        let entry = try #require(log.entries.first { $0.message == "skipped a file of the registry" })
        #expect(entry.level == .warning)
        #expect(entry.metadata["path"] == "\(directory.path("user/x.json"))")
        #expect(entry.metadata["cause"]?.description.contains(cause) == true)
        #expect(directory.exists("user/x.json"))
        await registration.release()
    }

    /// Writes a file whose owner lives as long as the returned value.
    private func own(_ contents: String, at name: String) throws -> OpenFile {
        let file = try OpenFile(directory.path("new"), O_RDWR | O_CREAT | O_EXCL)
        #expect(try file.lock())
        try file.write(Array(contents.utf8))
        try directory.move("new", to: name)
        return file
    }

    @Test func unreadableEndpointKeepsItsInstance() async throws {
        let registration = try await registry.registered(instance("a"))
        let file = try own(
            """
            {"id":"x","name":"user","version":1,"metadata":{"weight":50},\
            "endpoints":["https://api.example.com","grpc://10.0.0.7:9000","grpc://10.0.0.7:9000"]}
            """,
            at: "user/x.json"
        )
        let found = try #require(try await registry.instances(of: "user")["x"])
        withExtendedLifetime(file) {}
        #expect(found.endpoint(schemes: ["grpc"])?.authority == "10.0.0.7:9000")
        #expect(found.unreadableEndpoints == ["https://api.example.com"])
        #expect(found.weight == 50)
        #expect(log.count(of: "skipped a file of the registry") == 0)
        await registration.release()
    }

    /// The name of the instance's file would be longer than the limit for file names.
    @Test func requestWithTheLongestNameKeepsTheList() async throws {
        let registration = try await registry.registered(instance("a"))
        let name = String(repeating: "x", count: 251) + ".set"
        try directory.write("{}", to: "user/\(name)")
        #expect(try await registry.instances(of: "user") == [instance("a")])
        #expect(try await registry.services() == ["user"])
        await registration.release()
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything"))
    func unreadableServiceKeepsTheOthers() async throws {
        let registration = try await registry.registered(instance("a"))
        #expect(mkdir(directory.path("closed"), 0o000) == 0)
        #expect(try await registry.services() == ["user"])
        #expect(log.count(of: "skipped a file of the registry") == 1)
        await registration.release()
    }

    @Test func irregularFileIsSkipped() async throws {
        let registration = try await registry.registered(instance("a"))
        #expect(mkfifo(directory.path("user/fifo.json"), 0o600) == 0)
        #expect(mkdir(directory.path("user/dir.json"), 0o700) == 0)
        #expect(symlink("a.json", directory.path("user/link.json")) == 0)
        try directory.write("not looked at", to: "user/a.json~")
        #expect(try await registry.instances(of: "user") == [instance("a")])
        #expect(log.count(of: "skipped a file of the registry") == 3)
        await registration.release()
    }

    @Test func partlyWrittenFileIsSkippedUntilComplete() async throws {
        let writer = try OpenFile(directory.path("user-x.json"), O_RDWR | O_CREAT | O_EXCL)
        #expect(try writer.lock())
        let contents = try InstanceFile.contents(for: instance("x"))
        try writer.write(Array(contents.prefix(10)))
        try FileManager.default.createDirectory(atPath: directory.path("user"), withIntermediateDirectories: false)
        try directory.move("user-x.json", to: "user/x.json")
        var updates = registry.watch("user").makeAsyncIterator()
        #expect(await updates.next() == live())
        try writer.write(contents)
        close(open(directory.path("user/x.json"), O_WRONLY))
        #expect(await updates.next() == live(instance("x")))
    }

    @Test func missingDirectoryIsEmptyAndNotCreated() async throws {
        #expect(try await registry.instances(of: "nobody") == [])
        #expect(!directory.exists("nobody"))
    }

    @Test func anUnreadableDirectoryIsAnError() async throws {
        try directory.write("a file", to: "user")
        let listing = await #expect(throws: RegistryError.self) { try await registry.instances(of: "user") }
        #expect(listing?.code == .misconfigured)
        let registering = await #expect(throws: RegistryError.self) { try await registry.registered(instance("a")) }
        for message in [listing?.message, registering?.message] {
            #expect(message?.contains(directory.path("user")) == true)
            #expect(message?.contains("a file is in the way; remove it") == true)
        }
    }

    @Test func invalidServiceNameIsStaleFromTheStart() async throws {
        var updates = registry.watch("a/../b").makeAsyncIterator()
        let snapshot = await updates.next()
        guard case .stale(_, let cause) = snapshot?.state else { return #expect(Bool(false), "\(snapshot as Any)") }
        #expect(cause.contains("service name \"a/../b\" is not valid"))
    }

    @Test func theLongestNamesFit() async throws {
        let name = String(repeating: "n", count: ServiceInstance.maximumNameLength)
        let registration = try await registry.registered(instance(name, of: name))
        #expect(try await registry.instances(of: name) == [instance(name, of: name)])
        await registration.release()
    }

    @Test func rememberedOddFilesAreBounded() {
        let oddities = Oddities(logger: log.logger())
        let paths = (0..<Oddities.maximumCount).map { "\($0)" }
        #expect(paths.allSatisfy { oddities.isNew($0, nil) })
        #expect(!oddities.isNew("0", nil))
        #expect(!oddities.isNew("one more", nil))
        oddities.forget("0")
        #expect(oddities.isNew("one more", nil))
    }

    @Test func manyChangesBecomeAFullRead() {
        var changes = DirectoryChanges()
        for number in 0..<DirectoryChanges.maximumNames { changes.insert("\(number)") }
        #expect(changes.names.count == DirectoryChanges.maximumNames)
        #expect(!changes.everything)
        changes.insert("one more")
        #expect(changes.everything)
        #expect(changes.names.isEmpty)
        changes.insert("another")
        #expect(changes.names.isEmpty)
    }

    @Test func fileClosedAgainIsReadAfterTheShortPause() async {
        let queue = FileQueue()
        let subscription = DirectorySubscription([nil]) { _ in }
        subscription.lookAgain(at: "a.json", after: .seconds(30), on: queue)
        subscription.lookAgain(at: "a.json", after: .milliseconds(1), on: queue)
        #expect(await subscription.next()?.names == ["a.json": .milliseconds(2)])
        // No read follows after the longest pause, so the next change is a new one.
        subscription.lookAgain(at: "a.json", after: .seconds(64), on: queue)
        subscription.lookAgain(at: "b.json", after: .milliseconds(1), on: queue)
        #expect(await subscription.next()?.names == ["b.json": .milliseconds(2)])
    }
}
