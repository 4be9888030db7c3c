import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// A service's directory goes, or another stands in its place.
@Suite(.timeLimit(.minutes(1)))
struct FileRegistryLostDirectoryTests {
    /// A way for the directory `tree/registry/user` to go. The registry is `link/registry`; `link` leads to `tree`.
    enum Loss: CaseIterable {
        case deleted, renamed, rootDeleted, rootRenamed, rootReplaced, linkLedElsewhere, fileInItsPlace

        func happen(in directory: TemporaryDirectory) throws {
            let root = "tree/registry"
            switch self {
            case .deleted:
                try directory.remove("\(root)/user")
            case .renamed:
                try directory.move("\(root)/user", to: "away")
            case .rootDeleted:
                try directory.remove(root)
            case .rootRenamed:
                try directory.move(root, to: "away")
            case .rootReplaced:
                try directory.write("", to: "other/user/.keep")
                try directory.move(root, to: "away")
                try directory.move("other", to: root)
            case .linkLedElsewhere:
                try directory.write("", to: "other/registry/user/.keep")
                try directory.link("new", to: "other")
                try directory.replace("link", with: "new")
            case .fileInItsPlace:
                try directory.write("in the way", to: "other/registry/user")
                try directory.link("new", to: "other")
                try directory.replace("link", with: "new")
            }
        }

        /// Lets the directory be created again.
        func end(in directory: TemporaryDirectory) throws {
            if self == .fileInItsPlace { try directory.remove("other/registry/user") }
        }
    }

    let directory: TemporaryDirectory
    let log = LogRecorder()
    let root: FileRegistryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        root = FileRegistryDirectory(path: directory.path("link/registry"))
        try directory.write("", to: "tree/registry/user/.keep")
        try directory.link("link", to: "tree")
    }

    @Test(arguments: Loss.allCases, [true, false])
    func watcherKeepsTheInstancesAsStaleForAWhile(_ loss: Loss, mayUseInotify: Bool) async throws {
        // This owner does not put its file back.
        let owner = try SilentOwner(instance("a"), at: "tree/registry/user", in: directory)
        let observer = FileRegistry(root, logger: log.logger(), mayUseInotify: mayUseInotify)
        var updates = observer.watch("user").makeAsyncIterator()
        #expect(await updates.next() == live(instance("a")))
        try loss.happen(in: directory)
        let snapshot = await updates.next()
        #expect(snapshot?.instances == [instance("a")])
        #expect(snapshot?.state.isLive == false)
        try loss.end(in: directory)
        #expect(await updates.next { $0.state.isLive } == live())
        withExtendedLifetime(owner) {}
    }

    @Test(arguments: Loss.allCases, [true, false])
    func ownerRegistersWhereThePathLeadsNow(_ loss: Loss, mayUseInotify: Bool) async throws {
        let registry = FileRegistry(root, logger: log.logger(), mayUseInotify: mayUseInotify)
        let registration = try await registry.registered(instance("a"))
        try loss.happen(in: directory)
        try loss.end(in: directory)
        #expect(await log.first { $0.message == "registration restored" } != nil)
        #expect(try await registry.instances(of: "user") == [instance("a")])
        await registration.release()
    }

    @Test func lastInstanceThatLeavesIsBelievedSoon() async throws {
        let registry = FileRegistry(root, logger: log.logger())
        let registration = try await registry.registered(instance("a"))
        var updates = registry.watch("user").makeAsyncIterator()
        #expect(await updates.next() == live(instance("a")))
        try await registration.deregister()
        #expect(await updates.next() == live())
        await registration.release()
    }
}
