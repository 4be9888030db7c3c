import Foundation
import Logging
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(1)))
struct FileRegistryDirectoryTests {
    @Test(arguments: [
        (["XDG_RUNTIME_DIR": "/run/user/7", "TMPDIR": "/var/tmp"], "/run/user/7/servicekit"),
        (["XDG_RUNTIME_DIR": "/run/user/7/"], "/run/user/7/servicekit"),
        (["XDG_RUNTIME_DIR": "relative", "TMPDIR": "/var/tmp/"], "/var/tmp/servicekit-7"),
        (["XDG_RUNTIME_DIR": ""], "/tmp/servicekit-7"),
        ([:], "/tmp/servicekit-7"),
    ])
    func defaultDirectoryIsPerUser(_ environment: [String: String], _ path: String) {
        let directory = FileRegistryDirectory(environment: { environment[$0] }, user: 7)
        #expect(directory.path == path)
        #expect(directory.isPrivate)
    }

    @Test func aConfiguredDirectoryIsMadeWithItsParents() throws {
        let temporary = try TemporaryDirectory()
        let directory = FileRegistryDirectory(path: temporary.path("a/b/c/"))
        try directory.create(for: "user")
        try directory.create(for: "user")
        #expect(temporary.exists("a/b/c/user"))
        #expect(directory.path == temporary.path("a/b/c"))
    }

    @Test func defaultDirectoryIsPrivateToTheUser() throws {
        let temporary = try TemporaryDirectory()
        let directory = Self.privateDirectory(in: temporary)
        try directory.create(for: "user")
        let status = try #require(try FileStatus.ofLink(directory.path))
        #expect(status.permissions == 0o700)
        try directory.refuseStrangers()
    }

    @Test func aDefaultDirectoryThatOthersMayWriteToIsRefused() async throws {
        let temporary = try TemporaryDirectory()
        let directory = Self.privateDirectory(in: temporary)
        try directory.create(for: "user")
        #expect(chmod(directory.path, 0o777) == 0)
        try await Self.expectRefusal(of: directory, .permissionDenied, "cannot trust \(directory.path)")
    }

    @Test func aDefaultDirectoryThatIsALinkIsRefused() async throws {
        let temporary = try TemporaryDirectory()
        let directory = Self.privateDirectory(in: temporary)
        try temporary.write("", to: "elsewhere/file")
        #expect(symlink(temporary.path("elsewhere"), directory.path) == 0)
        try await Self.expectRefusal(of: directory, .misconfigured, "cannot use \(directory.path)")
    }

    @Test(.enabled(if: geteuid() == 0, "needs root to give a directory away"))
    func aDefaultDirectoryOfSomeoneElseIsRefused() async throws {
        let temporary = try TemporaryDirectory()
        let directory = Self.privateDirectory(in: temporary)
        try directory.create(for: "user")
        #expect(chown(directory.path, 12345, 12345) == 0)
        try await Self.expectRefusal(of: directory, .permissionDenied, "cannot trust \(directory.path)")
    }

    // The kernel lets nobody create directories there, not even root.
    @Test func readOnlyDirectoryIsNamedWithTheRemedy() async throws {
        let registry = FileRegistry(directory: "/sys/servicekit")
        let error = await #expect(throws: RegistryError.self) { try await registry.registered(instance("a")) }
        #expect(error?.code == .permissionDenied)
        #expect(error?.message.contains("cannot create directory /sys/servicekit") == true)
        #expect(error?.message.contains("or set registry.file.directory to a directory it owns") == true)
        var updates = registry.watch("user").makeAsyncIterator()
        #expect(await updates.next()?.state.isLive == false)
    }

    @Test func missingServiceInAReadOnlyDirectoryIsEmpty() async throws {
        let registry = FileRegistry(directory: "/sys/kernel")
        var updates = registry.watch("nobody").makeAsyncIterator()
        #expect(await updates.next() == live())
    }

    @Test(arguments: [
        (EACCES, RegistryError.Code.permissionDenied, "give this user write access"),
        (EROFS, .permissionDenied, "give this user write access"),
        (ENOSPC, .unavailable, "free some space there"),
        (EDQUOT, .unavailable, "free some space there"),
        (EMFILE, .unavailable, "raise this process's limit of open files"),
        (ENOTDIR, .misconfigured, "a file is in the way"),
        (EIO, .unavailable, "file registry: cannot write /x: "),
    ])
    func errorsNameTheRemedy(_ number: CInt, _ code: RegistryError.Code, _ text: String) {
        let error = SystemError("write", "/x", number: number).registryError
        #expect(error.code == code)
        #expect(error.message.hasPrefix("file registry: cannot write /x: "))
        #expect(error.message.contains(text))
    }

    @Test func tooManyListenersNameTheLimitOfListeners() {
        let error = SystemError("start", "inotify", number: EMFILE).registryError
        #expect(error.message.contains("fs.inotify.max_user_instances"))
    }

    private static func privateDirectory(in temporary: TemporaryDirectory) -> FileRegistryDirectory {
        FileRegistryDirectory(environment: { $0 == "XDG_RUNTIME_DIR" ? temporary.path : nil })
    }

    private static func expectRefusal(
        of directory: FileRegistryDirectory,
        _ code: RegistryError.Code,
        _ text: String
    ) async throws {
        let registry = FileRegistry(directory, logger: Logger(label: "test"))
        let registering = await #expect(throws: RegistryError.self) { try await registry.registered(instance("a")) }
        let listing = await #expect(throws: RegistryError.self) { try await registry.instances(of: "user") }
        for error in [registering, listing] {
            #expect(error?.code == code)
            #expect(error?.message.contains(text) == true)
        }
    }
}
