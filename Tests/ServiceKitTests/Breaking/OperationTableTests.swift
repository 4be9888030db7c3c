import Testing

@testable import ServiceKit

@Suite struct OperationTableTests {
    private final class Value: Sendable {}

    @Test func tasksGetOneValueForAnOperation() async {
        let table = OperationTable(limit: 1000) { Value() }
        let all = await withTaskGroup(of: [ObjectIdentifier].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<500).map { ObjectIdentifier(table["/a.B/\($0)"]) } }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(all.allSatisfy { $0 == all[0] })
        #expect(Set(all[0]).count == 500)
    }

    @Test func operationsBeyondTheLimitShareAValue() {
        let table = OperationTable(limit: 3) { Value() }
        let values = (0..<10).map { ObjectIdentifier(table["/a.B/\($0)"]) }
        #expect(Set(values).count == 4)
        #expect(Set(values[3...]).count == 1)
        #expect((0..<10).map { ObjectIdentifier(table["/a.B/\($0)"]) } == values)
    }
}
