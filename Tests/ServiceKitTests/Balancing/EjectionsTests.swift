import Testing

@testable import ServiceKit

/// The times at which ejected nodes are put back.
@Suite struct EjectionsTests {
    private let a = node("a")
    private let b = node("b")

    @Test func ejectedNodeIsPutBackAtItsTime() {
        var ejections = Ejections(policyCount: 1)
        #expect(ejections.nextDue == .max)
        ejections.set(200, of: b, by: 0, at: 1)
        ejections.set(100, of: a, by: 0, at: 1)
        #expect(ejections.nextDue == 100)
        #expect(ejections.end(of: a, at: 99) == 100 && ejections.end(of: a, at: 100) == nil)
        #expect(ejections.takeDue(at: 99) == [])
        #expect(ejections.takeDue(at: 150) == ["a"])
        #expect(ejections.takeDue(at: 200) == ["b"])
        #expect(ejections.nextDue == .max)
    }

    @Test func latestEjectionOfAPolicyCounts() {
        var ejections = Ejections(policyCount: 1)
        ejections.set(100, of: a, by: 0, at: 1)
        ejections.set(300, of: a, by: 0, at: 2)
        #expect(ejections.takeDue(at: 100) == [] && ejections.nextDue == 300)
        ejections.set(200, of: a, by: 0, at: 101)
        #expect(ejections.end(of: a, at: 101) == 200)
        #expect(ejections.takeDue(at: 200) == ["a"])
        #expect(ejections.takeDue(at: 300) == [])
    }

    @Test func nodeIsPutBackAfterItsLastEjection() {
        var ejections = Ejections(policyCount: 2)
        ejections.set(100, of: a, by: 0, at: 1)
        ejections.set(200, of: a, by: 1, at: 1)
        #expect(ejections.takeDue(at: 100) == [])
        #expect(ejections.end(of: a, at: 100) == 200)
        ejections.set(0, of: a, by: 1, at: 150)
        #expect(ejections.end(of: a, at: 150) == nil)
    }

    @Test func removedNodeIsForgotten() {
        var ejections = Ejections(policyCount: 1)
        ejections.set(100, of: a, by: 0, at: 1)
        ejections.remove(a)
        #expect(ejections.end(of: a, at: 2) == nil)
        #expect(ejections.takeDue(at: 100) == [] && ejections.nextDue == .max)
    }

    @Test func repeatedEjectionKeepsOneEntry() {
        var ejections = Ejections(policyCount: 1)
        for now in 1...1000 as ClosedRange<UInt64> {
            ejections.set(now + 100, of: a, by: 0, at: now)
            ejections.set(0, of: a, by: 0, at: now)
        }
        ejections.set(5000, of: a, by: 0, at: 1000)
        #expect(ejections.takeDue(at: 1101) == [] && ejections.nextDue == 5000)
    }
}
