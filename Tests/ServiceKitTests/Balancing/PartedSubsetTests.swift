import Testing

@testable import ServiceKit

/// Subsets beside zones and lanes.
@Suite struct PartedSubsetTests {
    private func instance(_ id: String, zone: String? = nil, lane: String? = nil) -> ServiceInstance {
        var metadata: [String: String] = [:]
        metadata["zone"] = zone
        metadata["lane"] = lane
        return ServiceInstance(id: id, name: "user", metadata: metadata)
    }

    /// A client's subset, and the instances in it.
    private struct Client {
        var subset: PartedSubset
        var instances: [String: ServiceInstance] = [:]

        init(_ index: Int = 0, of count: Int = 10, size: Int = 5, zone: String? = nil, laneLabel: String? = nil) {
            let position = SubsetPosition(index: index, count: count)
            subset = PartedSubset(size: size, position: position, zone: zone, laneLabel: laneLabel)
        }

        mutating func update(removed: [ServiceInstance] = [], added: [ServiceInstance] = []) {
            let change = subset.update(InstanceChange(removed: removed, added: added))
            for instance in change.removed { instances[instance.id] = nil }
            for instance in change.added { instances[instance.id] = instance }
        }

        func count(_ isCounted: (ServiceInstance) -> Bool) -> Int { instances.values.count(where: isCounted) }
    }

    @Test func zonesShareTheirConnectionsEvenly() {
        let near = (0..<40).map { instance("near-\($0)", zone: "eu") }
        let far = (0..<60).map { instance("far-\($0)", zone: "us") }
        var clients = (0..<16).map { Client($0, of: 16, zone: "eu") }
        for index in clients.indices { clients[index].update(added: near + far) }
        #expect(clients.allSatisfy { $0.count { $0.zone == "eu" } == 5 && $0.count { $0.zone == "us" } == 5 })
        let connections = clients.flatMap(\.instances.keys).reduce(into: [:]) { $0[$1, default: 0] += 1 }
        #expect(near.allSatisfy { connections[$0.id] == 2 })
    }

    @Test func fewClientsCoverTheirOwnZoneOnly() {
        var client = Client(of: 1, zone: "eu")
        client.update(added: (0..<20).map { instance("near-\($0)", zone: "eu") })
        client.update(added: (0..<20).map { instance("far-\($0)", zone: "us") })
        #expect(client.count { $0.zone == "eu" } == 20)
        #expect(client.count { $0.zone == "us" } == 5)
    }

    @Test func instancesOfALaneAreAllChosen() {
        let base = (0..<50).map { instance("base-\($0)") }
        for index in 0..<10 {
            var client = Client(index, laneLabel: "lane")
            client.update(added: base + [instance("blue-1", lane: "blue"), instance("red-1", lane: "red")])
            #expect(client.count { $0.metadata["lane"] != nil } == 2)
            #expect(client.count { $0.metadata["lane"] == nil } == 5)
        }
        var other = Client()
        other.update(added: base + (0..<50).map { instance("blue-\($0)", lane: "blue") })
        // Without lanes the label says nothing: ten clients cover a hundred instances.
        #expect(other.instances.count == 10)
    }

    @Test func anInstanceChangesItsPart() {
        var client = Client(zone: "eu", laneLabel: "lane")
        client.update(added: [instance("a", zone: "eu"), instance("b", zone: "us")])
        #expect(Set(client.instances.keys) == ["a", "b"])
        client.update(added: [instance("a", zone: "us"), instance("b", zone: "us", lane: "blue")])
        #expect(client.instances["a"]?.zone == "us" && client.instances["b"]?.metadata["lane"] == "blue")
        client.update(added: (0..<50).map { instance("far-\($0)", zone: "us") })
        #expect(client.count { $0.zone == "us" && $0.metadata["lane"] == nil } == 5)
        client.update(removed: [instance("b", zone: "us", lane: "blue")])
        #expect(client.instances["b"] == nil)
        client.update(removed: [instance("unknown")])
        #expect(client.instances.count == 5)
    }
}
