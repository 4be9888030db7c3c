import Foundation
import Logging
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// Files that are deleted or overwritten without their owner.
@Suite(.timeLimit(.minutes(1)))
struct FileRegistryRepairTests {
    let directory: TemporaryDirectory
    let log = LogRecorder()
    let registry: FileRegistry
    let observer: FileRegistry

    init() throws {
        directory = try TemporaryDirectory()
        registry = FileRegistry(directory: directory.path, logger: log.logger())
        observer = FileRegistry(directory: directory.path)
    }

    /// Deletes a file or directory. The owner may put its file back at once, into a directory that then cannot be
    /// deleted.
    private func delete(_ path: String) throws {
        let file = directory.path("user/a.json")
        let before = try FileStatus.ofLink(file)
        do {
            try directory.remove(path)
        } catch {
            if try FileStatus.ofLink(file) == before { throw error }
        }
    }

    @Test(arguments: ["user/a.json", "user", ""])
    func deletedFileIsRestored(_ deleted: String) async throws {
        let registration = try await registry.registered(instance("a"))
        for time in 1...3 {
            try delete(deleted)
            let entry = await log.first(time) { $0.message == "registration restored" }
            #expect(entry?.metadata["path"] == "\(directory.path("user/a.json"))")
            #expect(try await observer.instances(of: "user") == [instance("a")])
            #expect(await registration.state.first { $0 == .registered } == .registered)
        }
        #expect(log.count(of: "registration lost; putting it back") == 3)
        await registration.release()
        #expect(try await observer.instances(of: "user") == [])
    }

    @Test func watchersSurviveALostDirectory() async throws {
        let registration = try await registry.registered(instance("a"))
        var updates = observer.watch("user").makeAsyncIterator()
        #expect(await updates.next() == live(instance("a")))
        for version in 2...4 {
            try delete("user")
            let next = instance("a", version: "\(version)")
            // This may fail until the directory is back, and is then tried again.
            while (try? await registration.update(next)) == nil { await Task.yield() }
            #expect(await updates.next { $0 == live(next) } != nil)
        }
        await registration.release()
    }

    @Test func overwrittenFileIsRestored() async throws {
        let registration = try await registry.registered(instance("a"))
        try Data("garbage".utf8).write(to: URL(fileURLWithPath: directory.path("user/a.json")), options: [])
        #expect(await log.first { $0.message.contains("written over; restored") } != nil)
        #expect(try await observer.instances(of: "user") == [instance("a")])
        #expect(registration.state.value == .registered)
        #expect(log.count(of: "registration lost; putting it back") == 0)
        await registration.release()
    }

    @Test func takenIDStaysWithItsNewOwner() async throws {
        let registration = try await registry.registered(instance("a"))
        let usurper = try OpenFile(directory.path("user/.usurper"), O_RDWR | O_CREAT | O_EXCL)
        #expect(try usurper.lock())
        try usurper.write(InstanceFile.contents(for: instance("a", version: "2")))
        try directory.replace("user/a.json", with: "user/.usurper")

        let state = await registration.state.first { state in
            if case .lost(let cause) = state { cause.code == .alreadyRegistered } else { false }
        }
        #expect(state != nil)
        #expect(try await observer.instances(of: "user") == [instance("a", version: "2")])
        let error = await #expect(throws: RegistryError.self) { try await registration.update(instance("a")) }
        #expect(error?.code == .alreadyRegistered)

        try directory.remove("user/a.json")
        #expect(await registration.state.first { $0 == .registered } != nil)
        #expect(try await observer.instances(of: "user") == [instance("a")])
        await registration.release()
    }

    @Test func deregisteringKeepsTheNewOwnersFile() async throws {
        let registration = try await registry.registered(instance("a"))
        let usurper = try OpenFile(directory.path("user/.usurper"), O_RDWR | O_CREAT | O_EXCL)
        #expect(try usurper.lock())
        try usurper.write(InstanceFile.contents(for: instance("a", version: "2")))
        try directory.replace("user/a.json", with: "user/.usurper")
        try await registration.deregister()
        await registration.release()
        #expect(try await observer.instances(of: "user") == [instance("a", version: "2")])
    }

    @Test func droppedRegistrationIsRemoved() async throws {
        var updates = observer.watch("user").makeAsyncIterator()
        let box = Watched<(any Registration)?>(try await registry.registered(instance("a")))
        #expect(await updates.next { $0 == live(instance("a")) } != nil)
        box.set(nil)
        #expect(await updates.next { $0 == live() } != nil)
        #expect(await registry.watcher.subscriptions.first { $0 == 0 } == 0)
    }

    @Test func statesEndWithTheRelease() async throws {
        let registration = try await registry.registered(instance("a"))
        async let states = registration.state.values.reduce(into: []) { $0.append($1) }
        await registration.release()
        #expect(await states.last == .deregistered)
        #expect(registry.watcher.subscriptions.value == 0)
    }
}
