import Testing

@testable import ServiceKit

/// The instances that a channel connects to.
@Suite struct InstanceSelectionTests {
    private static let choice = EndpointChoice(schemes: ["grpc"])

    private static func instance(
        _ id: String, scheme: String = "grpc", _ metadata: [String: String] = [:]
    ) -> ServiceInstance {
        ServiceInstance(
            id: id, name: "user", metadata: metadata, endpoints: [Endpoint(scheme: scheme, host: id, port: 1)]
        )
    }

    private static func live(_ instances: ServiceInstance...) -> DiscoverySnapshot {
        DiscoverySnapshot(instances: InstanceSet(instances), state: .live)
    }

    private static func stale(_ instances: ServiceInstance...) -> DiscoverySnapshot {
        DiscoverySnapshot(instances: InstanceSet(instances), state: .stale(since: .now, cause: "away"))
    }

    @Test func snapshotGivesTheChanges() {
        var selection = InstanceSelection(Self.choice)
        #expect(selection.state == nil && selection.lastLive == nil)
        let (a, b) = (Self.instance("a"), Self.instance("b"))
        #expect(selection.update(Self.live(a)).added == [a])
        #expect(selection.update(Self.live(a, b)) == InstanceChange(added: [b]))
        #expect(selection.update(Self.live(b)) == InstanceChange(removed: [a]))
        #expect(selection.state == .live && selection.lastLive != nil)
    }

    @Test func staleSnapshotAddsInstancesAndRemovesNone() {
        var selection = InstanceSelection(Self.choice)
        let (a, b) = (Self.instance("a"), Self.instance("b"))
        _ = selection.update(Self.live(a))
        #expect(selection.update(Self.stale(b)) == InstanceChange(added: [b]))
        #expect(selection.known.count == 2)
        #expect(selection.update(Self.live(b)) == InstanceChange(removed: [a]))
    }

    @Test func instancesThatCannotBeCalledAreLeftOut() {
        var selection = InstanceSelection(Self.choice)
        let http = Self.instance("http", scheme: "http")
        #expect(selection.update(Self.live(http)).added == [])
        #expect(selection.update(Self.live(http, Self.instance("a"))).added.map(\.id) == ["a"])
        let change = selection.update(Self.live(http, Self.instance("a", ["offline": "true"])))
        #expect(change.added == [] && change.removed.map(\.id) == ["a"])
    }

    /// The first instances, up to a number; another moves up when one leaves.
    private struct First: Subset {
        let count: Int
        private var chosen: [String: ServiceInstance] = [:]
        private var rest: [String: ServiceInstance] = [:]

        init(_ count: Int) { self.count = count }

        mutating func update(_ change: InstanceChange) -> InstanceChange {
            var passed = InstanceChange()
            for instance in change.removed {
                rest[instance.id] = nil
                guard chosen.removeValue(forKey: instance.id) != nil else { continue }
                passed.removed.append(instance)
                if let next = rest.first?.value { choose(next, &passed) }
            }
            for instance in change.added {
                if chosen[instance.id] != nil || chosen.count < count {
                    choose(instance, &passed)
                } else {
                    rest[instance.id] = instance
                }
            }
            return passed
        }

        private mutating func choose(_ instance: ServiceInstance, _ passed: inout InstanceChange) {
            rest[instance.id] = nil
            chosen[instance.id] = instance
            passed.added.append(instance)
        }
    }

    @Test func subsetsAreAppliedInTheirOrder() {
        let zone = InstanceFilter { $0.zone == "z" }
        var selection = InstanceSelection(Self.choice, [zone, First(2)])
        let instances = (0..<5).map { Self.instance("\($0)", $0 == 0 ? [:] : ["zone": "z"]) }
        let first = selection.update(DiscoverySnapshot(instances: InstanceSet(instances), state: .live)).added
        #expect(first.count == 2 && first.allSatisfy { $0.zone == "z" })
        let rest = instances.filter { $0 != first[0] }
        let change = selection.update(DiscoverySnapshot(instances: InstanceSet(rest), state: .live))
        #expect(change.removed == [first[0]] && change.added.count == 1)
        #expect(!first.contains(change.added[0]))
    }

    @Test func newSubsetsChooseFromAllKnownInstances() {
        var selection = InstanceSelection(Self.choice, [InstanceFilter { $0.zone == "z" }])
        let (a, b) = (Self.instance("a", ["zone": "z"]), Self.instance("b", ["zone": "y"]))
        let http = Self.instance("http", scheme: "http")
        #expect(selection.update(Self.live(a, b, http)).added == [a])
        #expect(selection.setSubsets([InstanceFilter { $0.zone == "y" }]) == InstanceChange(removed: [a], added: [b]))
        #expect(selection.setSubsets([]) == InstanceChange(added: [a]))
        #expect(selection.setSubsets([]) == InstanceChange())
        #expect(Set(selection.update(Self.live(a)).removed) == [b, http])
        #expect(selection.setSubsets([InstanceFilter { _ in false }]) == InstanceChange(removed: [a]))
    }

    @Test func anInstanceWhoseLabelsNoLongerMeetTheConditionIsRemoved() {
        var selection = InstanceSelection(Self.choice, [InstanceFilter { $0.zone == "z" }])
        _ = selection.update(Self.live(Self.instance("a", ["zone": "z"])))
        let change = selection.update(Self.live(Self.instance("a", ["zone": "y"])))
        #expect(change.removed.map(\.id) == ["a"] && change.added == [])
    }
}
