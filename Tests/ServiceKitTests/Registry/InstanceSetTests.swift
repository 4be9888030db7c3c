import ServiceKit
import Testing

@Suite struct InstanceSetTests {
    @Test func setIsAMapByID() {
        var set: InstanceSet = [instance("a"), instance("b"), instance("a", version: "2")]
        #expect(set.count == 2)
        #expect(set["a"]?.version == "2")
        #expect(set["c"] == nil)
        #expect(set.update(instance("c")) == nil)
        #expect(set.update(instance("c", version: "2")) == instance("c"))
        #expect(set.remove(id: "b") == instance("b"))
        #expect(set.remove(id: "b") == nil)
        #expect(set == [instance("c", version: "2"), instance("a", version: "2")])
        #expect(set.hashValue == InstanceSet([instance("a", version: "2"), instance("c", version: "2")]).hashValue)
        #expect(set.map(\.id).sorted() == ["a", "c"])
        #expect("\(set)" == "[a, c]")
        #expect(!set.isEmpty)
        #expect(InstanceSet().isEmpty)
    }

    @Test func copyIsIndependent() {
        let old: InstanceSet = [instance("a")]
        var new = old
        new.update(instance("b"))
        #expect(old == [instance("a")])
        #expect(new != old)
    }

    @Test func differenceListsTheChanges() {
        let old: InstanceSet = [instance("same"), instance("changed"), instance("gone")]
        let new: InstanceSet = [instance("same"), instance("changed", version: "2"), instance("new")]
        let changes = new.changes(since: old)
        #expect(changes.added == [instance("new")])
        #expect(changes.updated == [instance("changed", version: "2")])
        #expect(changes.removed == [instance("gone")])
        #expect(!changes.isEmpty)
        #expect(new.changes(since: new).isEmpty)
    }

    @Test func removedAndReaddedInstanceIsNoChange() {
        let old: InstanceSet = [instance("a"), instance("b")]
        var new = old
        new.remove(id: "a")
        new.update(instance("a"))
        #expect(new == old)
        #expect(new.changes(since: old).isEmpty)
    }

    /// Compared with a plain dictionary, through many random steps.
    @Test func setEqualsADictionaryAfterRandomSteps() {
        var generator = SystemRandomNumberGenerator()
        var model: [String: ServiceInstance] = [:]
        var set = InstanceSet()
        for step in 0..<2000 {
            let (oldModel, old) = (model, set)
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                let id = "\(Int.random(in: 0..<50, using: &generator))"
                if Bool.random(using: &generator) {
                    let next = instance(id, version: "\(step % 3)")
                    model[id] = next
                    set.update(next)
                } else {
                    model[id] = nil
                    set.remove(id: id)
                }
            }
            if step % 100 == 0 { set.replace(with: model.values.shuffled()) }
            let changes = set.changes(since: old)
            #expect(Set(set) == Set(model.values))
            #expect(Set(changes.added.map(\.id)) == Set(model.keys).subtracting(oldModel.keys))
            #expect(Set(changes.removed) == Set(oldModel.filter { model[$0.key] == nil }.values))
            #expect(
                Set(changes.updated) == Set(model.values.filter { oldModel[$0.id] != nil && oldModel[$0.id] != $0 })
            )
        }
    }
}
