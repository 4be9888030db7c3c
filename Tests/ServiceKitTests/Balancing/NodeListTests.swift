import Testing

@testable import ServiceKit

@Suite struct NodeListTests {
    private func ids(_ list: NodeList) -> Set<String> { Set(list.map(\.instance.id)) }

    @Test func nodesAreAddedAndRemoved() {
        var list = NodeList()
        let nodes = ["a", "b", "c", "d"].map { node($0) }
        list.apply(NodeChange(added: nodes))
        #expect(list.map(\.instance.id) == ["a", "b", "c", "d"])
        list.apply(NodeChange(removed: [nodes[1]]))
        #expect(ids(list) == ["a", "c", "d"])
        list.apply(NodeChange(removed: [nodes[3], nodes[3]]))
        #expect(ids(list) == ["a", "c"])
        list.apply(NodeChange(removed: [nodes[0], nodes[2]], added: [nodes[1]]))
        #expect(list.map(\.instance.id) == ["b"])
    }

    @Test func nodeReplacesTheFormerNodeOfItsInstance() {
        var list = NodeList()
        list.apply(NodeChange(added: [node("a"), node("b")]))
        let heavy = node("a", weight: 200)
        list.apply(NodeChange(added: [heavy]))
        #expect(list.count == 2 && list[0] === heavy)
    }
}
