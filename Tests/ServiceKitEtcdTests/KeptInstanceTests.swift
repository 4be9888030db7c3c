import ServiceKit
import Testing

@testable import ServiceKitEtcd

/// What an owner makes of its key as it comes by.
@Suite struct KeptInstanceTests {
    private static func instance(_ version: String = "1", _ metadata: [String: String] = [:]) -> ServiceInstance {
        ServiceInstance(id: "a", name: "user", version: version, metadata: metadata)
    }

    private static func value(_ instance: ServiceInstance) throws -> [UInt8] {
        try EtcdLayout.kratos.encode(instance)
    }

    /// One that was written at revision 5 by lease 1.
    private static func kept() throws -> KeptInstance {
        var kept = KeptInstance(instance(), leases: [1])
        kept.remember(.init(value: try value(instance()), instance: instance()))
        kept.known = .init(revision: 5, lease: 1, instance: instance())
        kept.settle(try value(instance()))
        return kept
    }

    private static func accept(
        _ kept: inout KeptInstance, _ found: ServiceInstance, _ revision: Int64, lease: Int64 = 1
    )
        throws -> KeptInstance.Verdict
    {
        kept.accept(try value(found), .init(revision: revision, lease: lease, instance: found))
    }

    @Test func otherLabelsAreAdopted() throws {
        var kept = try Self.kept()
        let labelled = Self.instance("1", ["offline": "true"])
        #expect(try Self.accept(&kept, labelled, 6) == .adopted)
        #expect(kept.instance.published == labelled)
        #expect(kept.known?.revision == 6)
    }

    @Test(arguments: [(Self.instance("2"), Int64(1)), (Self.instance("1", ["offline": "true"]), Int64(2))])
    func anythingElseIsRefused(_ found: ServiceInstance, _ lease: Int64) throws {
        var kept = try Self.kept()
        #expect(try Self.accept(&kept, found, 6, lease: lease) == .refused)
        #expect(kept.instance.published == Self.instance())
        #expect(kept.known?.revision == 5)
    }

    @Test func whatIsKnownAlreadyIsOldNews() throws {
        var kept = try Self.kept()
        #expect(try Self.accept(&kept, Self.instance("1", ["offline": "true"]), 7) == .adopted)
        #expect(try Self.accept(&kept, Self.instance("1", ["weight": "7"]), 6) == .own)
        #expect(kept.instance.published == Self.instance("1", ["offline": "true"]))
    }

    @Test func whatTheOperatorSawMayBeAnUpdateThatIsUnderWay() throws {
        var kept = try Self.kept()
        let next = Self.instance("2", ["zone": "eu"])
        kept.instance.wanted = next
        kept.remember(.init(value: try Self.value(next), instance: next))
        #expect(try Self.accept(&kept, Self.instance("2", ["zone": "eu", "weight": "7"]), 7) == .adopted)
        #expect(kept.instance.published == Self.instance("2", ["zone": "eu", "weight": "7"]))

        // Or what was there before it: then only the operator's label counts.
        kept.instance.wanted = Self.instance("3", ["zone": "us"])
        #expect(try Self.accept(&kept, Self.instance("2", ["zone": "eu", "weight": "8"]), 8) == .adopted)
        #expect(kept.instance.published == Self.instance("3", ["zone": "us", "weight": "8"]))
    }

    @Test func anEarlierAttemptIsNoOperator() throws {
        var kept = KeptInstance(Self.instance(), leases: [1])
        #expect(try Self.accept(&kept, Self.instance("1", ["offline": "true"]), 6) == .refused)
        #expect(kept.instance.published == Self.instance())
    }

    @Test func anOperatorMayTakeBackWhatHeHasSaid() throws {
        var kept = try Self.kept()
        #expect(try Self.accept(&kept, Self.instance("1", ["offline": "true"]), 6) == .adopted)
        #expect(try Self.accept(&kept, Self.instance(), 7) == .adopted, "although the owner once wrote the same")
        #expect(kept.instance.published == Self.instance())
    }

    @Test func whatIsBeingWrittenIsOnesOwn() throws {
        var kept = try Self.kept()
        let next = Self.instance("2")
        kept.remember(.init(value: try Self.value(next), instance: next))
        #expect(try Self.accept(&kept, next, 6) == .own)
    }

    @Test func memoryIsBounded() throws {
        var kept = try Self.kept()
        for number in 1...100 {
            kept.remember(Int64(number))
            let next = Self.instance("\(number)")
            kept.remember(.init(value: try Self.value(next), instance: next))
        }
        #expect(kept.leases.count == KeptInstance.maxLeases)
    }
}
