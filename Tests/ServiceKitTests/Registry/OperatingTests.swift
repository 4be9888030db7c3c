import ServiceKitTesting
import Testing

@testable import ServiceKit

/// Taking instances out of traffic and back.
@Suite struct OperatingTests {
    private let registry = MemoryRegistry()

    private func register(_ metadata: [String: String]) async throws -> any Registration {
        try await registry.registered(ServiceInstance(id: "a", name: "user", metadata: metadata))
    }

    @Test(arguments: [[:], ["weight": "50", "zone": "eu"], ["weight": "0"], ["weight": "heavy"]])
    func onlineRestoresWhatOfflineChanged(_ metadata: [String: String]) async throws {
        let registration = try await register(metadata)
        // Repeating it changes nothing.
        for _ in 1...2 {
            let offline = try await registry.takeOffline("a", of: "user")
            #expect(offline.isOffline)
            #expect(offline.weight == 0)
            #expect(offline.metadata["zone"] == metadata["zone"])
            #expect(offline.whenOnline.metadata == metadata)
        }
        for _ in 1...2 {
            #expect(try await registry.putOnline("a", of: "user").metadata == metadata)
        }
        await registration.release()
    }

    @Test func aWeightSetWhileOfflineCountsWhenOnline() async throws {
        let registration = try await register(["weight": "50"])
        _ = try await registry.takeOffline("a", of: "user")
        let offline = try await registry.setWeight(70, ofInstance: "a", of: "user")
        #expect(offline.weight == 0)
        #expect(offline.isOffline)
        #expect(try await registry.takeOffline("a", of: "user") == offline)
        #expect(try await registry.putOnline("a", of: "user").metadata == ["weight": "70"])
        #expect(try await registry.setWeight(0, ofInstance: "a", of: "user").metadata == ["weight": "0"])
        await registration.release()
    }

    /// Earlier versions set the label alone.
    @Test func instanceOfflineByLabelAloneKeepsItsWeightOnline() async throws {
        let registration = try await register(["weight": "50", "offline": "true"])
        #expect(try await registry.takeOffline("a", of: "user").weight == 0)
        #expect(try await registry.putOnline("a", of: "user").metadata == ["weight": "50"])
        _ = try await registry.takeOffline("a", of: "user")
        _ = try await registry.setMetadata(["weight": "30"], ofInstance: "a", of: "user")
        #expect(try await registry.putOnline("a", of: "user").metadata == ["weight": "30"], "the later word")
        await registration.release()
    }

    /// The instance comes back with the owner's latest weight, unless an operator has set another.
    @Test func ownersNextWeightCountsWhenOnline() async throws {
        let registration = try await register(["weight": "50"])
        _ = try await registry.takeOffline("a", of: "user")
        try await registration.update(ServiceInstance(id: "a", name: "user", metadata: ["weight": "60"]))
        #expect(registration.instance.weight == 0)
        #expect(try await registry.putOnline("a", of: "user").metadata == ["weight": "60"])
        try await registration.update(ServiceInstance(id: "a", name: "user", metadata: ["weight": "80"]))
        #expect(registration.instance.weight == 80)

        _ = try await registry.setWeight(7, ofInstance: "a", of: "user")
        _ = try await registry.takeOffline("a", of: "user")
        try await registration.update(ServiceInstance(id: "a", name: "user", metadata: ["weight": "90"]))
        #expect(try await registry.putOnline("a", of: "user").metadata == ["weight": "7"])
        await registration.release()
    }

    @Test func unknownInstanceIsNotFound() async throws {
        let error = await #expect(throws: RegistryError.self) { try await registry.takeOffline("x", of: "user") }
        #expect(error?.code == .notFound)
    }
}
