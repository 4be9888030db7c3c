@testable import ServiceKit
import ServiceKitConfig
import Testing

/// Every row of the table in ``ConfigurationStoreState``.
@Suite struct ConfigurationStoreStateTests {
    private static func document(_ name: String, _ yaml: String = "") -> ConfigurationDocument {
        ConfigurationDocument(origin: name, bytes: Array(yaml.utf8))
    }

    private static let file = document("file")
    private static let remote = document("remote")

    /// A store of a required and an optional source, with what both have.
    private static func started(isRequired: Bool = true) -> ConfigurationStoreState {
        var state = ConfigurationStoreState(sources: [("file", true), ("remote", isRequired)])
        _ = state.reported(.loaded([file]), by: 0)
        _ = state.reported(.loaded([remote]), by: 1)
        _ = state.begin()
        _ = state.built()
        return state
    }

    @Test func startWaitsForARequiredSourceAndBuildsInTheOrderOfTheSources() {
        var state = ConfigurationStoreState(sources: [("file", true), ("remote", true)])
        #expect(state.reported(.loaded([Self.remote]), by: 1) == .none)
        #expect(state.reported(.away("gone"), by: 0) == .none)
        #expect(state.changed() == .none)
        #expect(state.phase == .starting)
        #expect(state.reported(.loaded([Self.file]), by: 0) == .begin)
        #expect(state.begin() == .build([Self.file, Self.remote]))
        #expect(state.phase == .building(isStale: false))
        #expect(state.built() == .none)
        #expect(state.phase == .current)
    }

    @Test func startDoesNotWaitForAnOptionalSourceThatIsAway() {
        var state = ConfigurationStoreState(sources: [("file", true), ("remote", false)])
        #expect(state.reported(.loaded([Self.file]), by: 0) == .none)
        #expect(state.reported(.away("no route"), by: 1) == .begin)
        #expect(state.begin() == .build([Self.file]))
        #expect(state.away == ["remote": "no route"])
    }

    @Test func startAtTheLimitNeedsTheRequiredSourcesOnly() {
        var silent = ConfigurationStoreState(sources: [("file", true), ("remote", false)])
        _ = silent.reported(.loaded([Self.file]), by: 0)
        #expect(silent.begin() == .build([Self.file]))
        var missing = ConfigurationStoreState(sources: [("a", true), ("b", true), ("c", false)])
        _ = missing.reported(.away("refused"), by: 1)
        #expect(missing.begin() == .fail("a: no answer; b: refused"))
        #expect(missing.phase == .starting)
    }

    @Test func changesOfOneBurstAreBuiltOnce() {
        var state = Self.started()
        let new = Self.document("file", "a: 1")
        #expect(state.reported(.loaded([new]), by: 0) == .settle)
        #expect(state.phase == .settling)
        #expect(state.reported(.loaded([Self.document("remote", "b: 1")]), by: 1) == .none)
        #expect(state.changed() == .none)
        #expect(state.phase == .settling)
        #expect(state.settled() == .build([new, Self.document("remote", "b: 1")]))
        #expect(state.built() == .none)
        #expect(state.phase == .current)
    }

    @Test func changeDuringABuildIsBuiltAfterIt() {
        var state = Self.started()
        #expect(state.changed() == .settle)
        _ = state.settled()
        #expect(state.changed() == .none)
        #expect(state.phase == .building(isStale: true))
        #expect(state.built() == .settle)
        #expect(state.phase == .settling)
        #expect(state.settled() == .build([Self.file, Self.remote]))
        #expect(state.built() == .none)
    }

    @Test func changeDuringTheFirstBuildIsNotLost() {
        var state = ConfigurationStoreState(sources: [("file", true)])
        _ = state.reported(.loaded([Self.file]), by: 0)
        _ = state.begin()
        #expect(state.reported(.loaded([Self.remote]), by: 0) == .none)
        #expect(state.built() == .settle)
    }

    @Test func sameDocumentsAreNoChange() {
        var state = Self.started()
        #expect(state.reported(.loaded([Self.file]), by: 0) == .none)
        #expect(state.phase == .current)
    }

    @Test func sourceThatGoesAwayKeepsItsDocuments() {
        var state = Self.started()
        #expect(state.reported(.away("killed"), by: 1) == .none)
        #expect(state.away == ["remote": "killed"])
        #expect(state.phase == .current)
        #expect(state.changed() == .settle)
        #expect(state.settled() == .build([Self.file, Self.remote]))
        #expect(state.built() == .none)
        #expect(state.reported(.loaded([Self.remote]), by: 1) == .none)
        #expect(state.away.isEmpty)
    }

    @Test func optionalSourceThatComesLateIsTakenIn() {
        var state = ConfigurationStoreState(sources: [("file", true), ("remote", false)])
        _ = state.reported(.loaded([Self.file]), by: 0)
        _ = state.reported(.away("no route"), by: 1)
        _ = state.begin()
        _ = state.built()
        #expect(state.reported(.loaded([Self.remote]), by: 1) == .settle)
        #expect(state.settled() == .build([Self.file, Self.remote]))
    }
}
