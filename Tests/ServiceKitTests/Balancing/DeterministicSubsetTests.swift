import Testing

@testable import ServiceKit

@Suite struct DeterministicSubsetTests {
    private func servers(_ range: Range<Int>) -> [ServiceInstance] {
        range.map { ServiceInstance(id: "server-\($0)", name: "user") }
    }

    /// A client's subset, and the ids in it.
    private struct Client {
        var subset: DeterministicSubset
        var ids: Set<String> = []

        init(_ index: Int, of count: Int, size: Int = 25) {
            subset = DeterministicSubset(size: size, position: SubsetPosition(index: index, count: count))
        }

        /// Takes a change; the number of connections that are made for it.
        @discardableResult
        mutating func update(removed: [ServiceInstance] = [], added: [ServiceInstance] = []) -> Int {
            let change = subset.update(InstanceChange(removed: removed, added: added))
            let before = ids
            ids.subtract(change.removed.map(\.id))
            ids.formUnion(change.added.map(\.id))
            return ids.subtracting(before).count
        }
    }

    /// Each process, of any program, must choose the same instances.
    @Test func subsetIsTheSameInEveryProcess() {
        let chosen = (0..<3).map { index in
            var client = Client(index, of: 3, size: 2)
            client.update(added: servers(0..<5))
            return client.ids.sorted()
        }
        #expect(chosen == [["server-1", "server-4"], ["server-2", "server-4"], ["server-0", "server-3"]])
    }

    private func connections(_ clients: [Client]) -> [String: Int] {
        clients.flatMap(\.ids).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    @Test(arguments: [(1000, 300), (999, 301), (7, 300), (40, 300), (3, 26)])
    func serversDifferByOneConnectionAtMost(_ clients: Int, _ servers: Int) {
        var all = (0..<clients).map { Client($0, of: clients) }
        for index in all.indices { all[index].update(added: self.servers(0..<servers)) }
        let size = max(25, (servers + clients - 1) / clients)
        #expect(all.allSatisfy { $0.ids.count == size })
        let connections = connections(all)
        #expect(connections.count == servers, "each server has a client")
        let counts = connections.values.sorted()
        #expect((counts.last ?? 0) - (counts.first ?? 0) <= 1)
    }

    @Test func serverThatJoinsOrLeavesMakesTwoNewConnectionsOfAClientAtMost() {
        var all = (0..<100).map { Client($0, of: 100) }
        let servers = servers(0..<300)
        for index in all.indices { all[index].update(added: servers) }
        for number in 300..<310 {
            let server = self.servers(number..<number + 1)
            #expect(all.indices.allSatisfy { all[$0].update(added: server) <= 2 })
        }
        for number in [3, 99, 120, 305] {
            let server = self.servers(number..<number + 1)
            #expect(all.indices.allSatisfy { all[$0].update(removed: server) <= 2 })
            #expect(all.allSatisfy { $0.ids.count == 25 })
        }
    }

    @Test func peerThatJoinsMovesFewConnections() {
        let servers = servers(0..<300)
        var moved = 0
        for index in 0..<500 {
            var before = Client(index, of: 1000)
            var after = Client(index, of: 1001)
            before.update(added: servers)
            after.update(added: servers)
            moved += before.ids.subtracting(after.ids).count
        }
        #expect(moved < 500)
    }

    @Test func fewServersAreAllConnected() {
        var client = Client(3, of: 10)
        client.update(added: servers(0..<25))
        #expect(client.ids.count == 25)
    }

    @Test func changesOneByOneGiveTheSameAsAllAtOnce() {
        var (one, all) = (Client(7, of: 12, size: 5), Client(7, of: 12, size: 5))
        for server in servers(0..<80).shuffled() { one.update(added: [server]) }
        for server in servers(60..<80) { one.update(removed: [server]) }
        all.update(added: servers(0..<60))
        #expect(one.ids == all.ids)
        one.update(removed: [ServiceInstance(id: "stranger", name: "user")])
        #expect(one.ids == all.ids)
    }

    @Test func newLabelsArePassedOnForInstancesOfTheSubsetOnly() {
        var subset = DeterministicSubset(size: 2, position: SubsetPosition(index: 0, count: 9))
        let first = subset.update(InstanceChange(added: servers(0..<9))).added
        var changed = servers(0..<9)
        for index in changed.indices { changed[index].metadata["zone"] = "z" }
        let change = subset.update(InstanceChange(added: changed))
        #expect(change.removed == [] && Set(change.added.map(\.id)) == Set(first.map(\.id)))
        #expect(change.added.allSatisfy { $0.zone == "z" })
    }

    @Test func placeIsThatOfTheIDAmongThePeers() {
        let peers = InstanceSet(["a", "c", "d"].map { ServiceInstance(id: $0, name: "shop") })
        #expect(SubsetPosition(of: "c", among: peers) == SubsetPosition(index: 1, count: 3))
        #expect(SubsetPosition(of: "b", among: peers) == SubsetPosition(index: 1, count: 4))
        #expect(SubsetPosition(of: "x", among: InstanceSet()) == SubsetPosition(index: 0, count: 1))
    }
}

@Suite struct InstanceFilterTests {
    private func instance(_ id: String, _ version: String, _ labels: [String: String]) -> ServiceInstance {
        ServiceInstance(id: id, name: "user", version: version, metadata: labels)
    }

    @Test func instanceMustHaveTheVersionAndTheLabels() {
        let instances = [
            instance("a", "1.4", ["env": "staging", "zone": "z"]), instance("b", "1.5", ["env": "staging"]),
            instance("c", "1.4", ["env": "live"]), instance("d", "1.4", [:]),
        ]
        func passed(_ change: (inout InstanceFilter.Options) -> Void) -> [String] {
            var options = InstanceFilter.Options()
            change(&options)
            return InstanceFilter(options).update(InstanceChange(added: instances)).added.map(\.id)
        }
        #expect(passed { _ in } == ["a", "b", "c", "d"])
        #expect(passed { $0.version = "1.4" } == ["a", "c", "d"])
        #expect(passed { $0.labels = ["env": "staging"] } == ["a", "b"])
        #expect(passed { ($0.version, $0.labels) = ("1.4", ["env": "staging", "zone": "z"]) } == ["a"])
    }
}
