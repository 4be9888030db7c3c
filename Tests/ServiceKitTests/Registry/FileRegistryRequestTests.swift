import Foundation
import Logging
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// The requests of operators to owners, as files.
@Suite(.timeLimit(.minutes(1)))
struct FileRegistryRequestTests {
    let directory: TemporaryDirectory
    let log = LogRecorder()
    let registry: FileRegistry
    let elsewhere: FileRegistry

    init() throws {
        directory = try TemporaryDirectory()
        registry = FileRegistry(directory: directory.path, logger: log.logger())
        elsewhere = FileRegistry(directory: directory.path)
    }

    @Test func handledRequestLeavesNoFile() async throws {
        let registration = try await registry.registered(instance("a"))
        let changed = try await elsewhere.setMetadata(["weight": "7"], ofInstance: "a", of: "user")
        #expect(changed.weight == 7)
        #expect(registration.instance == changed)
        #expect(try directory.contents("user") == ["a.json"])
        #expect(log.count(of: "labels set by an operator") == 1)
        await registration.release()
    }

    @Test func concurrentRequestsOfOperatorsAllCount() async throws {
        let registration = try await registry.registered(instance("a"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<10 {
                group.addTask {
                    _ = try await elsewhere.setMetadata(["label-\(number)": "x"], ofInstance: "a", of: "user")
                }
            }
            try await group.waitForAll()
        }
        #expect(registration.instance.metadata.count == 10)
        #expect(try directory.contents("user") == ["a.json"])
        await registration.release()
    }

    @Test(arguments: [
        "", "no JSON", "{\"labels\":{\"\":\"x\"}}", "{\"labels\":[]}", String(repeating: "x", count: 3 << 20),
    ])
    func garbageIsRemovedAndLogged(_ contents: String) async throws {
        let registration = try await registry.registered(instance("a"))
        try directory.write(contents, to: "user/a.set")
        let entry = await log.first { $0.message == "removed a file that is no operator's request" }
        #expect(entry?.metadata["path"] == "\(directory.path("user/a.set"))")
        #expect(try directory.contents("user") == ["a.json"])
        #expect(try await elsewhere.instances(of: "user") == [instance("a")])
        await registration.release()
    }

    @Test func requestsAreNotLoggedAsOddFiles() async throws {
        let registration = try await registry.registered(instance("a"))
        let observer = FileRegistry(directory: directory.path, logger: log.logger())
        // The request is for an owner that is gone: no process will handle it.
        try directory.write("{\"labels\":{}}", to: "user/b.set")
        #expect(try await observer.instances(of: "user") == [instance("a")])
        #expect(try directory.contents("user") == ["a.json"])
        #expect(log.count(of: "skipped a file of the registry") == 0)
        await registration.release()
    }

    @Test func aRequestToAnEarlierOwnerIsNotTakenUp() async throws {
        try directory.write("{\"labels\":{\"weight\":\"7\"}}", to: "user/a.set")
        let registration = try await registry.registered(instance("a"))
        #expect(try directory.contents("user") == ["a.json"])
        #expect(registration.instance == instance("a"))
        await registration.release()
    }

    @Test func aRefusedRegistrationLeavesTheRequestToTheOwner() async throws {
        let owner = try await OwnerProcess(instance("a"), in: directory.path)
        try directory.write("{\"labels\":{}}", to: "user/a.set")
        await #expect(throws: RegistryError.self) { try await registry.registered(instance("a")) }
        #expect(try directory.contents("user") == ["a.json", "a.set"])
        await owner.kill()
    }

    @Test func unansweredRequestNamesTheOwner() async throws {
        // This owner does not handle requests.
        let owner = try await OwnerProcess(instance("a"), in: directory.path)
        let error = await #expect(throws: RegistryError.self) {
            try await elsewhere.setMetadata(["weight": "7"], ofInstance: "a", of: "user")
        }
        #expect(error?.code == .timeout)
        #expect(
            error?.message.contains("the owner of instance \"a\" of service \"user\" did not change its labels") == true
        )
        #expect(try directory.contents("user") == ["a.json"])
        await owner.kill()
        let gone = await #expect(throws: RegistryError.self) {
            try await elsewhere.setMetadata(["weight": "7"], ofInstance: "a", of: "user")
        }
        #expect(gone?.code == .notFound)
    }

    @Test func onlyTheOwnerRemovesAnInstance() async throws {
        let registration = try await registry.registered(instance("a"))
        let error = await #expect(throws: RegistryError.self) { try await elsewhere.removeInstance("a", of: "user") }
        #expect(error?.code == .alreadyRegistered)
        #expect(error?.message.contains("process \(ProcessInfo.processInfo.processIdentifier)") == true)
        await registration.release()
        let gone = await #expect(throws: RegistryError.self) { try await elsewhere.removeInstance("a", of: "user") }
        #expect(gone?.code == .notFound)
    }

    @Test func requestIsNotTakenForAnEarlierOne() throws {
        let place = FileRegistryDirectory(path: directory.path).file(of: "a", of: "user")
        try directory.write("", to: "user/.keep")
        // On many file systems, the file of the second has the inode, the size and the time of the first.
        for _ in 0..<100 {
            let first = try #require(try LabelRequest(labels: ["label-1": "x"]).leave(for: place))
            #expect(try LabelRequest.isLeft(for: place, first))
            try LabelRequest.remove(for: place)
            let second = try #require(try LabelRequest(labels: ["label-2": "x"]).leave(for: place))
            #expect(try !LabelRequest.isLeft(for: place, first))
            #expect(try LabelRequest.isLeft(for: place, second))
            try LabelRequest.remove(for: place)
        }
    }
}
