import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(4)))
struct MemoryRegistryTests {
    static let registry = MemoryRegistry()

    static let conformance = RegistryConformance(name: "memory", hooks: hooks) { registry }

    static var hooks: RegistryConformance.Hooks {
        var hooks = RegistryConformance.Hooks()
        hooks.mortalOwner = { instance in
            // Dropping a registration is the nearest to death that an owner in the same process can come.
            let owner = Watched<(any Registration)?>(try await registry.registered(instance))
            return { owner.set(nil) }
        }
        return hooks
    }

    @Test(arguments: conformance.checks)
    func conforms(_ check: RegistryConformance.Check) async throws {
        try await Self.conformance.run(check)
    }

    @Test func cancelledWatchesLeaveNothing() async throws {
        let registry = MemoryRegistry()
        var hooks = RegistryConformance.Hooks()
        hooks.waitUntilIdle = { _ in _ = await registry.watches.first { $0 == 0 } }
        let conformance = RegistryConformance(name: "memory", hooks: hooks) { registry }
        try await conformance.run(.cancellationFrees)
        #expect(registry.serviceCount == 0)
    }

    @Test func unchangedSetIsNotPublished() async throws {
        let registry = MemoryRegistry()
        let registration = try await registry.registered(instance("a"))
        var updates = registry.watch("user").makeAsyncIterator()
        #expect(await updates.next() == live(instance("a")))
        try await registration.update(instance("a"))
        try await registration.update(instance("a", version: "2"))
        #expect(await updates.next() == live(instance("a", version: "2")))
    }

    @Test func duplicateIDIsRefusedByName() async throws {
        let registry = MemoryRegistry()
        let registration = try await registry.registered(instance("a"))
        let error = await #expect(throws: RegistryError.self) { try await registry.registered(instance("a")) }
        #expect(error?.message.contains("instance \"a\" of service \"user\" is already registered") == true)
        await registration.release()
    }
}
