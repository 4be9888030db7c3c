import Testing

@testable import ServiceKit

@Suite struct OwnedInstanceTests {
    private static func instance(_ metadata: [String: String]) -> ServiceInstance {
        ServiceInstance(id: "a", name: "user", metadata: metadata)
    }

    @Test func operatorsLabelsSurviveUpdates() {
        var owned = OwnedInstance(Self.instance(["zone": "eu", "weight": "50", "canary": "yes"]))
        owned.adopt(metadata: ["zone": "eu", "weight": "7", "offline": "true"])
        owned.wanted = Self.instance(["zone": "us", "weight": "60", "canary": "no"])
        #expect(owned.published.metadata == ["zone": "us", "weight": "7", "offline": "true"])
    }

    @Test func labelSetBackToTheOwnersValueIsTheOwnersAgain() {
        var owned = OwnedInstance(Self.instance(["weight": "50"]))
        owned.adopt(metadata: ["weight": "7", "offline": "true"])
        owned.adopt(metadata: ["weight": "50"])
        owned.wanted = Self.instance(["weight": "60", "offline": "soon"])
        #expect(owned.published == owned.wanted)
    }

    @Test func onlyChangedLabelsAreAdopted() {
        var owned = OwnedInstance(Self.instance(["zone": "eu"]))
        // The operator saw the version before this update.
        owned.wanted = Self.instance(["zone": "us"])
        owned.adopt(metadata: ["zone": "eu", "weight": "7"], insteadOf: ["zone": "eu"])
        #expect(owned.published.metadata == ["zone": "us", "weight": "7"])
    }

    @Test func labelsAreBounded() throws {
        let long = String(repeating: "x", count: ServiceInstance.maximumLabelSize)
        #expect(try Self.instance([:]).settingMetadata([long: long]).metadata == [long: long])
        let many = (0...ServiceInstance.maximumLabels).map { ("label-\($0)", Optional("x")) }
        let refused: [[String: String?]] = [
            ["": "x"], [long + "x": "x"], ["x": long + "x"], Dictionary(uniqueKeysWithValues: many),
        ]
        for changes in refused {
            #expect(throws: RegistryError.self) { try Self.instance([:]).settingMetadata(changes) }
        }
    }

    @Test(arguments: [("true", true), ("false", false), ("", false), ("TRUE", false)])
    func onlyTheValueTrueIsOffline(_ value: String, _ isOffline: Bool) {
        #expect(Self.instance(["offline": value]).isOffline == isOffline)
        #expect(!Self.instance([:]).isOffline)
    }
}
