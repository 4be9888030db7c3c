import ServiceKit

extension RegistryConformance.Check {
    package static let ownersDeath = Self(
        "an owner that dies takes its instance along",
        needs: { $0.mortalOwner != nil }
    ) { run in
        let registry = try await run.registry()
        let survivor = run.instance("b")
        try await run.register(survivor, in: registry)
        let follower = run.follow(registry)
        let mortal = run.instance("a")
        guard let kill = try await run.conformance.hooks.mortalOwner?(mortal) else { return }
        try await follower.wait(for: [mortal, survivor], "the instance of an owner about to die")
        try await run.within("killing the owner", kill)
        try await follower.wait(for: [survivor], "the owner's death")
        try await run.expect(run.registry(), lists: [survivor], "after the owner's death")
        let heir = run.instance("a", version: 2)
        try await run.register(heir, in: registry)
        try await follower.wait(for: [heir, survivor], "the heir of the id")
    }

    package static let unreadableIsSkipped = Self(
        "unreadable entries are skipped",
        needs: { $0.plantGarbage != nil }
    ) { run in
        let registry = try await run.registry()
        let (a, b, c) = (run.instance("a"), run.instance("b"), run.instance("c"))
        try await run.register(a, in: registry)
        try await run.conformance.hooks.plantGarbage?(run.service)
        try await run.expect(registry, lists: [a], "with garbage among the entries")
        let follower = run.follow(registry)
        try await follower.wait(for: [a], "the readable instance")
        try await run.register(b, in: registry)
        try await follower.wait(for: [a, b], "another instance after the garbage")
        try await run.conformance.hooks.plantGarbage?(run.service)
        try await run.register(c, in: registry)
        try await follower.wait(for: [a, b, c], "another instance after more garbage")
        let failures = follower.history.filter { !$0.state.isLive }
        try run.expect(failures.isEmpty, "garbage was reported as a failure: \(failures.map(\.state))")
    }

    package static let thousandInstances = Self("a thousand instances come and go") { run in
        let registry = try await run.registry()
        let follower = run.follow(try await run.registry())
        let instances = (0..<run.conformance.instanceCount).map { run.instance("i\($0)") }
        let registrations = try await run.within("registering \(instances.count) instances") {
            try await withThrowingTaskGroup(of: (any Registration).self) { group in
                for instance in instances { group.addTask { try await registry.registered(instance) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        try await follower.wait(for: instances, "all instances")
        try await run.expect(registry, lists: instances, "after all have registered")
        try await run.within("releasing \(instances.count) instances") {
            await withTaskGroup { group in
                for registration in registrations { group.addTask { await registration.release() } }
            }
        }
        try await follower.wait(for: [], "all to be gone")
        try await run.expect(registry, lists: [], "after all were released")
    }

    package static let awayAndBack = Self(
        "when the registry is away, watches keep what they know and say so, and all is put back afterwards",
        needs: { $0.interrupt != nil }
    ) { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        let (a, b) = (run.instance("a"), run.instance("b"))
        let registration = try await run.register(a, in: here)
        let follower = run.follow(elsewhere)
        try await follower.wait(for: [a], "the instance")
        guard let restore = try await run.conformance.hooks.interrupt?(run.service) else { return }
        let stale = try await follower.wait(for: "the watch to be stale") { !$0.state.isLive }
        try run.expect(
            stale.instances == [a],
            "the watch of a registry that is away has \(run.text(stale.instances)), not the instances known before"
        )
        try await run.within("bringing the registry back", restore)
        try await follower.wait(for: [a], "the instance to be put back")
        try await run.within("the registration to be registered again") {
            _ = await registration.state.first { $0 == .registered }
        }
        try await run.register(b, in: elsewhere)
        try await follower.wait(for: [a, b], "another instance afterwards")
    }

    package static let updateWhileAway = Self(
        "an update is not lost when the registry is away",
        needs: { $0.interrupt != nil }
    ) { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        let registration = try await run.register(run.instance("a"), in: here)
        let follower = run.follow(elsewhere)
        try await follower.wait(for: [run.instance("a")], "the instance")
        guard let restore = try await run.conformance.hooks.interrupt?(run.service) else { return }
        try await follower.wait(for: "the watch to be stale") { !$0.state.isLive }
        let next = run.instance("a", version: 2)
        // It fails, unless the registry is away for others alone.
        try await run.within("update() while the registry is away") { try? await registration.update(next) }
        try run.expect(registration.instance == next, "the registration has \(run.text([registration.instance]))")
        try await run.within("bringing the registry back", restore)
        try await follower.wait(for: [next], "the update")
        try await run.within("the registration to be registered again") {
            // The last failure may still stand there for a moment, and may count as permanent.
            _ = await registration.state.first { $0 == .registered }
        }
    }

    package static let forgottenInstances = Self(
        "when a registry was away and has lost its entries, nobody is told that there is no instance",
        needs: { $0.interruptAndForget != nil }
    ) { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        let (a, b) = (run.instance("a"), run.instance("b"))
        try await run.register(a, in: here)
        try await run.register(b, in: elsewhere)
        let follower = run.follow(elsewhere)
        try await follower.wait(for: [a, b], "the instances")
        let start = follower.history.count
        guard let restore = try await run.conformance.hooks.interruptAndForget?(run.service) else { return }
        try await follower.wait(for: "the watch to be stale") { !$0.state.isLive }
        try await run.within("bringing the registry back", restore)
        try await follower.wait(for: [a, b], "the instances to be put back")
        let gaps = follower.history.dropFirst(start).filter { $0.instances.isEmpty }
        try run.expect(
            gaps.isEmpty, "before they were put back, the watch saw an empty \(gaps.first?.state ?? .live) set")
    }

    package static let takenOver = Self(
        "a registration whose entry somebody else takes says that it is lost, until it is free again",
        needs: { $0.takeOver != nil }
    ) { run in
        let instance = run.instance("a")
        let registration = try await run.register(instance, in: run.registry())
        guard let restore = try await run.conformance.hooks.takeOver?(instance) else { return }
        try await run.within("the registration to be lost to somebody else") {
            _ = await registration.state.first { $0.cause?.code == .alreadyRegistered }
        }
        guard case .lost = registration.state.value else {
            throw run.failure("its state is \(registration.state.value), not lost")
        }
        try await run.within("giving the entry up", restore)
        try await run.within("the registration to be registered again") {
            _ = await registration.state.first { $0 == .registered }
        }
        try await run.expect(run.registry(), lists: [instance], "after the entry was given up")
    }
}
