import Testing

@testable import ServiceKit

/// The view of a service, mainly during an outage of the registry and after a loss of its data.
struct ServiceViewTests {
    private static let start = ContinuousClock.now

    private func instance(_ id: String, version: String = "1") -> ServiceInstance {
        ServiceInstance(id: id, name: "user", version: version)
    }

    private func ids(_ view: ServiceView) -> [String] {
        view.snapshot.instances.map(\.id).sorted()
    }

    private func view(_ ids: String...) -> ServiceView {
        var view = ServiceView(grace: .seconds(15))
        view.replace(with: ids.map { instance($0) }, at: Self.start)
        return view
    }

    @Test func emptyListIsLive() {
        let view = view()
        #expect(view.snapshot.state == .live)
        #expect(view.snapshot.instances.isEmpty)
    }

    @Test func instancesAreAddedChangedAndRemoved() {
        var view = view("a")
        view.update(instance("b"))
        view.update(instance("a", version: "2"))
        #expect(ids(view) == ["a", "b"])
        #expect(view.snapshot.instances["a"]?.version == "2")
        view.remove(id: "a", at: Self.start)
        #expect(ids(view) == ["b"])
        #expect(view.snapshot.state.isLive)
    }

    @Test func interruptionKeepsInstancesAndItsFirstCause() {
        var view = view("a")
        view.interrupted("gone", at: Self.start)
        view.interrupted("still gone", at: Self.start.advanced(by: .seconds(3)))
        #expect(view.snapshot.state == .stale(since: Self.start, cause: "gone"))
        #expect(ids(view) == ["a"])
        view.connected(at: Self.start.advanced(by: .seconds(4)))
        #expect(view.snapshot.state.isLive)
    }

    @Test func shorterListRemovesInstances() {
        var view = view("a", "b")
        view.replace(with: [instance("b")], at: Self.start)
        #expect(ids(view) == ["b"])
        #expect(view.snapshot.state.isLive)
    }

    @Test func emptyListAfterALossOfDataKeepsInstances() {
        var view = view("a", "b")
        view.replace(with: [], lostData: true, at: Self.start)
        #expect(ids(view) == ["a", "b"])
        #expect(!view.snapshot.state.isLive)
        view.update(instance("a"))
        #expect(!view.snapshot.state.isLive)
        view.update(instance("b"))
        #expect(view.snapshot.state.isLive)
        #expect(view.missingUntil == nil)
        view.remove(id: "a", at: Self.start)
        #expect(ids(view) == ["b"])
    }

    @Test func instanceNotBackAfterALossOfDataIsRemovedAfterTheGrace() {
        var view = view("a", "b")
        view.replace(with: [instance("a")], lostData: true, at: Self.start)
        view.expire(at: Self.start.advanced(by: .seconds(14)))
        #expect(ids(view) == ["a", "b"])
        view.expire(at: Self.start.advanced(by: .seconds(15)))
        #expect(ids(view) == ["a"])
        #expect(view.snapshot.state.isLive)
    }

    /// The store may be reset twice, or listed again before all instances are back: the time does not start again.
    @Test func laterListDoesNotRestartTheGrace() {
        var view = view("a", "b")
        view.replace(with: [], lostData: true, at: Self.start)
        view.replace(with: [instance("a")], at: Self.start.advanced(by: .seconds(10)))
        #expect(ids(view) == ["a", "b"])
        view.expire(at: Self.start.advanced(by: .seconds(15)))
        #expect(ids(view) == ["a"])
    }

    // MARK: - After an outage

    private static let back = start.advanced(by: .seconds(20))

    private func viewAfterAnOutage(_ ids: String...) -> ServiceView {
        var view = ServiceView(grace: .seconds(15))
        view.replace(with: ids.map { instance($0) }, at: Self.start)
        view.interrupted("away", at: Self.start)
        view.connected(at: Self.back)
        return view
    }

    /// Nobody could renew a lease during the outage: the end of most leases does not show which instances live.
    @Test func massExpiryAfterAnOutageKeepsInstances() {
        var view = viewAfterAnOutage("a", "b", "c", "d")
        for id in ["a", "b"] { view.remove(id: id, at: Self.back) }
        #expect(ids(view) == ["c", "d"], "half of them can take the calls")
        #expect(view.snapshot.state.isLive)
        for id in ["c", "d"] { view.remove(id: id, at: Self.back) }
        #expect(ids(view) == ["c", "d"])
        #expect(view.snapshot.state.isLive == false)
        for id in ["a", "b", "c", "d"] { view.update(instance(id)) }
        #expect(ids(view) == ["a", "b", "c", "d"])
        #expect(view.snapshot.state.isLive)
    }

    @Test func instanceNotBackInTimeAfterAnOutageIsRemoved() {
        var view = viewAfterAnOutage("a", "b")
        view.remove(id: "a", at: Self.back)
        view.remove(id: "b", at: Self.back)
        #expect(ids(view) == ["b"])
        view.expire(at: Self.back.advanced(by: .seconds(15)))
        #expect(ids(view).isEmpty)
        #expect(view.snapshot.state.isLive)
    }

    /// An instance that was seen since the outage can have renewed its lease.
    @Test func deletionOfAnInstanceSeenSinceTheOutageCounts() {
        var view = viewAfterAnOutage("a")
        view.update(instance("a", version: "2"))
        view.remove(id: "a", at: Self.back)
        #expect(ids(view).isEmpty)
        #expect(view.snapshot.state.isLive)
    }

    @Test func deletionsLongAfterAnOutageCount() {
        var view = viewAfterAnOutage("a")
        view.remove(id: "a", at: Self.back.advanced(by: .seconds(15)))
        #expect(ids(view).isEmpty)
    }

    @Test func listAfterAnOutageIsTreatedLikeEvents() {
        var view = viewAfterAnOutage("a", "b", "c")
        view.replace(with: [instance("a"), instance("b")], at: Self.back)
        #expect(ids(view) == ["a", "b"])
        view.replace(with: [], at: Self.back)
        #expect(ids(view) == ["a", "b"])
        #expect(view.snapshot.state.isLive == false)
    }
}
