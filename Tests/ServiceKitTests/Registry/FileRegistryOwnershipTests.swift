import Foundation
import Logging
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// The owners of an instance's file, among real processes.
@Suite(.timeLimit(.minutes(1)))
struct FileRegistryOwnershipTests {
    let directory: TemporaryDirectory
    let registry: FileRegistry

    init() throws {
        directory = try TemporaryDirectory()
        registry = FileRegistry(directory: directory.path)
    }

    @Test func killedOwnerIsRemoved() async throws {
        var updates = registry.watch("user").makeAsyncIterator()
        var times: [Duration] = []
        for _ in 0..<5 {
            let owner = try await OwnerProcess(instance("a"), in: directory.path)
            #expect(await updates.next { $0 == live(instance("a")) } != nil)
            let start = ContinuousClock.now
            await owner.kill()
            #expect(await updates.next { $0 == live() } != nil)
            times.append(.now - start)
        }
        print("from SIGKILL to the watcher: \(times.sorted().map { "\($0)" }.joined(separator: ", "))")
    }

    @Test func idOwnedByAnotherProcessIsRefused() async throws {
        let owner = try await OwnerProcess(instance("a"), in: directory.path)
        let error = await #expect(throws: RegistryError.self) { try await registry.registered(instance("a")) }
        #expect(error?.code == .alreadyRegistered)
        #expect(error?.message.contains("instance \"a\" of service \"user\"") == true)
        #expect(error?.message.contains("by process \(owner.pid) ") == true)
        #expect(error?.message.contains(directory.path("user/a.json")) == true)
        await owner.kill()
        let registration = try await registry.registered(instance("a", version: "2"))
        #expect(try await registry.instances(of: "user") == [instance("a", version: "2")])
        await registration.release()
    }

    @Test func idOwnedByThisProcessIsRefusedToOthers() async throws {
        let registration = try await registry.registered(instance("a"))
        await #expect(throws: OwnerProcess.Refused(output: "refused\n")) {
            try await OwnerProcess(instance("a"), in: directory.path)
        }
        await registration.release()
        let owner = try await OwnerProcess(instance("a"), in: directory.path)
        #expect(try await registry.instances(of: "user") == [instance("a")])
        await owner.kill()
    }

    @Test func leftoverFileIsTakenOver() async throws {
        try await OwnerProcess(instance("a"), in: directory.path).kill()
        #expect(directory.exists("user/a.json"))
        let registration = try await registry.registered(instance("a", version: "2"))
        #expect(try await registry.instances(of: "user") == [instance("a", version: "2")])
        await registration.release()
    }

    @Test func leftoverFilesAreRemovedByReaders() async throws {
        try await OwnerProcess(instance("a"), in: directory.path).kill()
        try directory.write("{", to: "user/.1a2b.tmp")
        try directory.write("", to: "user/claimed.json")
        try directory.write("mine", to: "user/.keep")
        let registration = try await registry.registered(instance("b"))
        #expect(try await registry.instances(of: "user") == [instance("b")])
        #expect(try directory.contents("user") == [".keep", "b.json"])
        await registration.release()
    }

    @Test func closedButLockedFileIsReadAgain() async throws {
        let root = FileRegistryDirectory(path: directory.path)
        let registry = FileRegistry(root, logger: Logger(label: "test"), secondLook: .seconds(3600))
        let owner = try SilentOwner(instance("a"), in: directory)
        var updates = registry.watch("user").makeAsyncIterator()
        #expect(await updates.next() == live(instance("a")))
        close(open(owner.path, O_WRONLY))
        // The closing happens before this change, so it has been seen by then.
        let other = try await registry.registered(instance("b"))
        #expect(await updates.next { $0.instances["b"] != nil } == live(instance("a"), instance("b")))
        try owner.release()
        #expect(await updates.next { $0.instances["a"] == nil } == live(instance("b")))
        await other.release()
    }

    @Test func firstReadIsCheckedByASecond() async throws {
        // Long enough that the lock is released before.
        let root = FileRegistryDirectory(path: directory.path)
        let registry = FileRegistry(root, logger: Logger(label: "test"), secondLook: .seconds(10))
        let owner = try SilentOwner(instance("a"), in: directory)
        var updates = registry.watch("user").makeAsyncIterator()
        #expect(await updates.next() == live(instance("a")))
        try owner.release()
        #expect(await updates.next() == live())
    }

    @Test func childProcessDoesNotInheritTheLock() async throws {
        let registration = try await registry.registered(instance("a"))
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/cat")
        child.standardInput = Pipe()
        try child.run()
        defer { child.terminate() }
        try await registration.deregister()
        await registration.release()
        let again = try await registry.registered(instance("a"))
        await again.release()
    }

    @Test func fileHasTheDocumentedJSON() async throws {
        var wanted = instance("a")
        wanted.metadata = ["zone": "b"]
        let registration = try await registry.registered(wanted)
        let text = try String(contentsOfFile: directory.path("user/a.json"), encoding: .utf8)
        #expect(
            text == """
                {
                  "endpoints" : [
                    "grpc://127.0.0.1:9000"
                  ],
                  "id" : "a",
                  "metadata" : {
                    "zone" : "b"
                  },
                  "name" : "user",
                  "pid" : \(getpid()),
                  "version" : "1"
                }

                """
        )
        await registration.release()
        #expect(try directory.contents("user") == [])
    }
}
