import ServiceKit

extension RegistryConformance.Check {
    package static let servicesAreNamed = Self(
        "a registry names the services that have instances, and no other",
        needs: \.canListServices
    ) { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        let names = [run.service, run.service + "-admin", run.service + ".v2"]
        let watched = run.service + "-watched"
        try await run.follow(elsewhere, watched).wait(for: [], "the empty service")
        var registrations: [any Registration] = []
        for name in names { registrations.append(try await run.register(run.instance("a", of: name), in: here)) }
        registrations.append(try await run.register(run.instance("b"), in: elsewhere))
        let found = try await run.within("naming the services") { try await elsewhere.services() }
        try run.expect(found == found.sorted(), "the names \(found) are not sorted")
        try run.expect(found.filter { $0.hasPrefix(run.service) } == names, "the services are \(found), not \(names)")
        for registration in registrations { await registration.release() }
        let left = try await run.within("naming the services") { try await here.services() }
        try run.expect(!left.contains { $0.hasPrefix(run.service) }, "after all were released there is still \(left)")
    }

    package static let operatorsLabels = Self(
        "an operator's labels are seen by all, and the owner's updates keep them",
        needs: \.isOperator
    ) { run in
        let (owner, elsewhere) = (try await run.registry(), try await run.operating())
        let other = run.instance("b", metadata: ["weight": "5"])
        try await run.register(other, in: owner)
        let registration = try await run.register(
            run.instance("a", metadata: ["zone": "eu", "weight": "50"]), in: owner
        )
        let follower = run.follow(try await run.registry())
        try await follower.wait(for: [registration.instance, other], "both instances")

        let labelled = run.instance("a", metadata: ["zone": "eu", "weight": "7", "offline": "true"])
        let set = try await run.within("setting labels") {
            try await elsewhere.setMetadata(["weight": "7", "offline": "true"], ofInstance: "a", of: run.service)
        }
        try run.expect(set == labelled, "setting labels gave \(set.metadata), not \(labelled.metadata)")
        try await run.expect(owner, lists: [labelled, other], "after labels were set")
        try await follower.wait(for: [labelled, other], "the labels")

        // At once: that the owner has not heard of the labels yet is no excuse.
        let next = run.instance("a", version: 2, metadata: ["zone": "us", "weight": "60"])
        try await run.within("update()") { try await registration.update(next) }
        let both = run.instance("a", version: 2, metadata: ["zone": "us", "weight": "7", "offline": "true"])
        try await run.expect(elsewhere, lists: [both, other], "after the owner's update")
        try await follower.wait(for: [both, other], "the owner's update with the operator's labels")
        try run.expect(registration.instance == both, "the registration has \(registration.instance.metadata)")

        _ = try await run.within("removing labels") {
            try await elsewhere.setMetadata(["offline": nil, "weight": "60"], ofInstance: "a", of: run.service)
        }
        try await follower.wait(for: [next, other], "the owner's own labels")
        let gaps = follower.history.filter { !$0.state.isLive || $0.instances.count == 1 }
        try run.expect(gaps.count <= 1, "setting labels was seen as a gap or a failure")
    }

    package static let operatorsLabelsStay = Self(
        "an operator's labels stay, however often the owner updates at the same time",
        needs: \.isOperator
    ) { run in
        let (owner, elsewhere) = (try await run.registry(), try await run.operating())
        let registration = try await run.register(run.instance("a", version: 0), in: owner)
        try await run.within("updates and labels at the same time") {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for version in 1...20 { try await registration.update(run.instance("a", version: version)) }
                }
                group.addTask {
                    for weight in 1...5 {
                        _ = try await elsewhere.setMetadata(["weight": "\(weight)"], ofInstance: "a", of: run.service)
                    }
                }
                try await group.waitForAll()
            }
        }
        let expected = run.instance("a", version: 20, metadata: ["weight": "5"])
        try await run.follow(elsewhere).wait(for: [expected], "the last update with the last label")
    }

    package static let offlineAndBack = Self(
        "an instance that is taken out of traffic comes back with the weight that it had",
        needs: \.isOperator
    ) { run in
        let (owner, elsewhere) = (try await run.registry(), try await run.operating())
        let registration = try await run.register(run.instance("a", metadata: ["weight": "50"]), in: owner)
        let follower = run.follow(try await run.registry())
        for _ in 1...2 {
            let offline = try await run.within("taking it offline") {
                try await elsewhere.takeOffline("a", of: run.service)
            }
            try run.expect(offline.isOffline && offline.weight == 0, "it has \(offline.metadata)")
        }
        try await follower.wait(for: "it to be offline, with weight 0") { snapshot in
            snapshot.instances["a"].map { $0.isOffline && $0.weight == 0 } ?? false
        }
        for _ in 1...2 {
            _ = try await run.within("putting it online") { try await elsewhere.putOnline("a", of: run.service) }
        }
        try await follower.wait(for: [run.instance("a", metadata: ["weight": "50"])], "it to be as it was")

        // The weight is the owner's again, and no operator's.
        let next = run.instance("a", version: 2, metadata: ["weight": "60"])
        try await run.within("the owner to adopt the labels") {
            while registration.instance.weight != 50 { await Task.yield() }
        }
        try await run.within("update()") { try await registration.update(next) }
        try await follower.wait(for: [next], "the owner's weight")
    }

    package static let operatorsErrors = Self(
        "labels that cannot be set are refused, with the reason",
        needs: \.isOperator
    ) { run in
        let (registry, elsewhere) = (try await run.registry(), try await run.operating())
        let registration = try await run.register(run.instance("a"), in: registry)
        for (id, service) in [("b", run.service), ("a", run.service + "-2"), ("", run.service), ("../a", run.service)] {
            try await run.expect(.notFound, from: "setting labels of an unknown instance") {
                _ = try await elsewhere.setMetadata(["weight": "1"], ofInstance: id, of: service)
            }
        }
        let long = String(repeating: "x", count: ServiceInstance.maximumLabelSize + 1)
        for changes in [["": "x"], ["label": long]] {
            try await run.expect(.invalidInstance, from: "setting a label without a name, or too long") {
                _ = try await elsewhere.setMetadata(changes, ofInstance: "a", of: run.service)
            }
        }
        try await run.expect(registry, lists: [run.instance("a")], "after refused labels")
        try await run.within("deregister()") { try await registration.deregister() }
        try await run.expect(.notFound, from: "setting labels of a deregistered instance") {
            _ = try await elsewhere.setMetadata(["weight": "1"], ofInstance: "a", of: run.service)
        }
    }

    package static let operatorsLabelsReturn = Self(
        "an instance that was lost is put back with the operator's labels",
        needs: { $0.isOperator && $0.interrupt != nil }
    ) { run in
        let (owner, elsewhere) = (try await run.registry(), try await run.operating())
        let registration = try await run.register(run.instance("a"), in: owner)
        let follower = run.follow(elsewhere)
        let labelled = run.instance("a", metadata: ["offline": "true"])
        _ = try await run.within("setting labels") {
            try await elsewhere.setMetadata(["offline": "true"], ofInstance: "a", of: run.service)
        }
        try await run.within("the owner to adopt the labels") {
            while registration.instance != labelled { await Task.yield() }
        }
        guard let restore = try await run.conformance.hooks.interrupt?(run.service) else { return }
        try await follower.wait(for: "the watch to be stale") { !$0.state.isLive }
        try await run.within("bringing the registry back", restore)
        try await follower.wait(for: [labelled], "the instance to be put back with its labels")
        try run.expect(registration.instance == labelled, "the registration has \(registration.instance.metadata)")
    }
}
