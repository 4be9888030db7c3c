import ServiceKit

extension RegistryConformance.Check {
    package static let comingAndGoing = Self(
        "a watch starts with the present instances, or none, and sees instances come and go"
    ) { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        let follower = run.follow(elsewhere)
        try await follower.wait(for: [], "the empty service")
        let (a, b) = (run.instance("a"), run.instance("b"))
        let first = try await run.register(a, in: here)
        try await follower.wait(for: [a], "the first to come")
        try await run.register(b, in: elsewhere)
        try await follower.wait(for: [a, b], "the second to come")
        try await run.follow(here).wait(for: [a, b], "what was there before the watch")
        try await run.within("deregister()") { try await first.deregister() }
        try await follower.wait(for: [b], "the first to go")
    }

    package static let orderOfUpdates = Self("a watch sees updates in their order and ends with the last") { run in
        let registry = try await run.registry()
        let follower = run.follow(try await run.registry())
        let registration = try await run.register(run.instance("a", version: 0), in: registry)
        try await follower.wait(for: [registration.instance], "the instance")
        for version in 1...100 {
            let next = run.instance("a", version: version)
            try await run.within("update()") { try await registration.update(next) }
        }
        try await follower.wait(for: [run.instance("a", version: 100)], "the last update")
        let versions = follower.history.compactMap { $0.instances["a"].flatMap { Int($0.version) } }
        try run.expect(versions == versions.sorted(), "the versions were seen in the order \(versions)")
    }

    package static let updateInPlace = Self("an update is one change and never a gap") { run in
        let registry = try await run.registry()
        let follower = run.follow(try await run.registry())
        let other = run.instance("b")
        try await run.register(other, in: registry)
        let registration = try await run.register(run.instance("a", version: 0), in: registry)
        try await follower.wait(for: [registration.instance, other], "both instances")
        let start = follower.history.count
        for version in 1...50 {
            let next = run.instance("a", version: version)
            try await run.within("update()") { try await registration.update(next) }
            try await follower.wait(for: [next, other], "update \(version)")
            try await run.expect(registry, lists: [next, other], "after update \(version)")
        }
        let gaps = follower.history.dropFirst(start).filter { $0.instances.count != 2 || !$0.state.isLive }
        try run.expect(gaps.isEmpty, "of 50 updates \(gaps.count) were seen as a gap or a failure")
    }

    package static let likeNamesApart = Self("services whose names begin alike are kept apart") { run in
        let registry = try await run.registry()
        let names = [run.service, run.service + "-admin", run.service + ".v2", run.service + "_"]
        let followers = names.map { run.follow(registry, $0) }
        for name in names { try await run.register(run.instance("a", of: name), in: registry) }
        for (name, follower) in zip(names, followers) {
            try await follower.wait(for: [run.instance("a", of: name)], "the instance of \(name) alone")
            try await run.expect(registry, lists: [run.instance("a", of: name)], of: name, "after register()")
            let mixed = follower.history.filter { $0.instances.contains { $0.name != name } }
            try run.expect(mixed.isEmpty, "the watch of \(name) saw instances of another service")
        }
    }

    package static let allSeeTheSame = Self("all watchers see the same") { run in
        let registry = try await run.registry()
        let followers = [run.follow(registry), run.follow(registry), run.follow(try await run.registry())]
        var expected: [ServiceInstance] = []
        for number in 0..<20 {
            let registration = try await run.register(run.instance("i\(number)"), in: registry)
            if number % 3 == 0 {
                try await run.within("deregister()") { try await registration.deregister() }
            } else {
                let next = run.instance("i\(number)", version: 2)
                try await run.within("update()") { try await registration.update(next) }
                expected.append(next)
            }
        }
        for follower in followers { try await follower.wait(for: expected, "what remains") }
    }

    package static let cancellationFrees = Self(
        "watches that are cancelled leave nothing",
        needs: { $0.waitUntilIdle != nil }
    ) { run in
        let registry = try await run.registry()
        let other = try await run.registry()
        try await run.register(run.instance("a"), in: other)
        let followers = (0..<20).map { _ in run.follow(registry) }
        for follower in followers { try await follower.wait(for: [run.instance("a")], "the instance") }
        for follower in followers { try await follower.stop() }
        // Dropped, not cancelled.
        try await run.within("the first state of a watch") { [updates = registry.watch(run.service)] in
            var iterator = updates.makeAsyncIterator()
            _ = await iterator.next()
        }
        try await run.within("becoming idle") { await run.conformance.hooks.waitUntilIdle?(registry) }
    }
}
