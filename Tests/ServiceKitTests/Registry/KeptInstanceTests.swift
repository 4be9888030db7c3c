import ServiceKitTesting
import Testing

@testable import ServiceKit

/// An owner's decisions about the versions of its entry that a watch reports.
@Suite struct KeptInstanceTests {
    private let log = LogRecorder()

    private static func instance(_ version: String = "1", _ metadata: [String: String] = [:]) -> ServiceInstance {
        ServiceInstance(id: "a", name: "user", version: version, metadata: metadata)
    }

    /// An instance that was written at revision 5.
    private func kept() -> KeptInstance {
        let kept = KeptInstance(Self.instance(), logger: log.logger())
        kept.wrote(kept.nextToWrite(), at: 5)
        return kept
    }

    @Test func changedLabelsAreAdoptedAndLogged() {
        let kept = kept()
        let labelled = Self.instance("1", ["offline": "true"])
        #expect(kept.found(labelled, at: 6) == .adopted)
        #expect(kept.published == labelled)
        #expect(kept.revision == 6)
        #expect(log.entries.map(\.description) == ["notice: labels set by an operator labels=offline=true"])
    }

    @Test func anyOtherChangeIsRefused() {
        let kept = kept()
        #expect(kept.found(Self.instance("2"), at: 6) == .refused)
        #expect(kept.published == Self.instance())
        #expect(kept.revision == 5)
        #expect(log.entries.isEmpty)
    }

    @Test func earlierRevisionChangesNothing() {
        let kept = kept()
        #expect(kept.found(Self.instance("1", ["offline": "true"]), at: 7) == .adopted)
        #expect(kept.found(Self.instance("1", ["weight": "7"]), at: 6) == .own)
        #expect(kept.published == Self.instance("1", ["offline": "true"]))
    }

    @Test func labelsSetOnAnUpdateUnderWayAreAdopted() throws {
        let kept = kept()
        try kept.update(to: Self.instance("2", ["zone": "eu"]), isDeregistered: false)
        _ = kept.nextToWrite()
        #expect(kept.found(Self.instance("2", ["zone": "eu", "weight": "7"]), at: 7) == .adopted)
        #expect(kept.published == Self.instance("2", ["zone": "eu", "weight": "7"]))

        // If the operator saw the version before it, only the operator's label counts.
        try kept.update(to: Self.instance("3", ["zone": "us"]), isDeregistered: false)
        #expect(kept.found(Self.instance("2", ["zone": "eu", "weight": "8"]), at: 8) == .adopted)
        #expect(kept.published == Self.instance("3", ["zone": "us", "weight": "8"]))
    }

    @Test func anEntryFromAnEarlierAttemptHasNoOperatorsLabels() {
        let kept = KeptInstance(Self.instance(), logger: log.logger())
        #expect(kept.found(Self.instance("1", ["offline": "true"]), at: 6) == .refused)
        #expect(kept.published == Self.instance())
    }

    @Test func operatorCanTakeALabelBack() {
        let kept = kept()
        #expect(kept.found(Self.instance("1", ["offline": "true"]), at: 6) == .adopted)
        #expect(kept.found(Self.instance(), at: 7) == .adopted, "although the owner once wrote the same")
        #expect(kept.published == Self.instance())
    }

    @Test func anUpdateUnderWayIsTheOwnersOwn() throws {
        let kept = kept()
        let next = Self.instance("2")
        try kept.update(to: next, isDeregistered: false)
        _ = kept.nextToWrite()
        #expect(kept.found(next, at: 6) == .own)
    }

    @Test func firstWriteSetsTheKnownRevision() {
        let kept = kept()
        kept.wrote(kept.nextToWrite(), at: 2)
        #expect(kept.revision == 2)
        #expect(kept.found(Self.instance("1", ["offline": "true"]), at: 3) == .adopted)
    }

    @Test func requestedLabelsAreAdopted() throws {
        let kept = kept()
        let labelled = try kept.adopt { ["seen": $0.version, "zone": nil] }
        #expect(labelled == Self.instance("1", ["seen": "1"]))
        #expect(kept.published == labelled)
        #expect(throws: RegistryError.self) { try kept.adopt { _ in ["": "x"] } }
        #expect(kept.published == labelled)
    }

    @Test func onlyTheLastInstancesWrittenAreRemembered() throws {
        let kept = kept()
        for number in 1...KeptInstance.maxWritten + 1 {
            try kept.update(to: Self.instance("\(number)", ["weight": "\(number)"]), isDeregistered: false)
            _ = kept.nextToWrite()
        }
        #expect(kept.found(Self.instance("2", ["weight": "2"]), at: 6) == .own)
        #expect(kept.found(Self.instance("x"), at: 7) == .refused)
    }
}
