import Foundation
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(4)))
struct FileRegistryConformanceTests {
    /// With inotify, or polled.
    static func conformance(mayUseInotify: Bool) throws -> RegistryConformance {
        raiseFileLimit()
        let directory = try TemporaryDirectory()
        var hooks = RegistryConformance.Hooks()
        hooks.mortalOwner = { instance in
            let owner = try await OwnerProcess(instance, in: directory.path)
            return { await owner.kill() }
        }
        hooks.plantGarbage = { service in
            try directory.write("{\"id\":\"torn\",\"na", to: "\(service)/torn.json")
            try directory.write("no JSON", to: "\(service)/README.md")
            try directory.write("", to: "\(service)/.hidden")
            try directory.write(
                "{\"id\":\"x\",\"name\":\"\(service)\",\"endpoints\":[]}",
                to: "\(service)/misnamed-\(UUID()).json"
            )
        }
        hooks.waitUntilIdle = { registry in
            _ = await (registry as? FileRegistry)?.watcher.subscriptions.first { $0 == 0 }
        }
        hooks.interrupt = { service in
            try directory.write("in the way", to: "in-the-way")
            var count = 0
            repeat {
                try directory.move(service, to: "away-\(count)")
                count += 1
                // A watcher or an owner may have put the directory back at once.
            } while (try? directory.replace(service, with: "in-the-way")) == nil
            return { try directory.remove(service) }
        }
        hooks.interruptAndForget = hooks.interrupt
        hooks.takeOver = { instance in
            let file = "\(instance.name)/\(instance.id).json"
            let usurper = try OpenFile(directory.path("\(instance.name)/.usurper"), O_RDWR | O_CREAT | O_EXCL)
            try #require(try usurper.lock())
            try usurper.write(InstanceFile.contents(for: instance))
            try directory.replace(file, with: "\(instance.name)/.usurper")
            return {
                try directory.remove(file)
                withExtendedLifetime(usurper) {}
            }
        }
        return RegistryConformance(name: "file", timeout: .seconds(60), hooks: hooks) {
            FileRegistry(
                FileRegistryDirectory(path: directory.path),
                logger: LogRecorder().logger(),
                mayUseInotify: mayUseInotify
            )
        }
    }

    @Test(arguments: RegistryConformance.Check.allCases)
    func conforms(_ check: RegistryConformance.Check) async throws {
        try await Self.conformance(mayUseInotify: true).run(check)
    }

    @Test(
        "conforms without inotify",
        // Fifty updates take too long when each is seen only after a second.
        arguments: RegistryConformance.Check.allCases.filter { $0 != .updateInPlace }
    )
    func conformsWithoutInotify(_ check: RegistryConformance.Check) async throws {
        try await Self.conformance(mayUseInotify: false).run(check)
    }

    /// An open file for each of a thousand instances exceeds the limit of many shells.
    static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 16384)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
