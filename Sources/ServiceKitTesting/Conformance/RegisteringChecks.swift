import ServiceKit

extension RegistryConformance.Check {
    package static let unknownService = Self("an unknown service is an empty list, not a failure") { run in
        try await run.expect(run.registry(), lists: [], "before anyone has registered")
    }

    package static let registeredIsListed = Self("a registered instance is listed, also elsewhere") { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        let instances = [run.instance("a"), run.instance("b:1._-")]
        for instance in instances {
            let registration = try await run.register(instance, in: here)
            try run.expect(registration.state.value == .registered, "its state is \(registration.state.value)")
            try run.expect(registration.instance == instance, "it differs from the registered instance")
        }
        try await run.expect(here, lists: instances, "after register()")
        try await run.expect(elsewhere, lists: instances, "after register()")
    }

    package static let roundTrip = Self("an instance is found as it was registered: labels, Unicode, IPv6") { run in
        let registry = try await run.registry()
        var instance = run.instance("a", metadata: ["zone": "eu-1", "ключ \"\\/": "値\n😀", "empty": ""])
        instance.version = "1.2.3-β+build"
        instance.endpoints = [
            Endpoint(scheme: "grpcs", host: "fd00::7", port: 65535),
            Endpoint(scheme: "http", host: "node-1.internal", port: 1),
        ]
        try await run.register(instance, in: registry)
        try await run.expect(run.registry(), lists: [instance], "after register()")
        try await run.follow(registry).wait(for: [instance], "the instance as it was registered")
    }

    package static let takenIDIsRefused = Self("an id that is taken is refused, and its owner not disturbed") { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        let first = run.instance("a")
        try await run.register(first, in: here)
        for registry in [here, elsewhere] {
            let second = run.instance("a", version: 2)
            try await run.expect(.alreadyRegistered, from: "registering a taken id") {
                _ = try await registry.registered(second)
            }
        }
        try await run.expect(elsewhere, lists: [first], "after a refused register()")
    }

    package static let oneWinner = Self("of many who want one id at once, one gets it") { run in
        let registries = [try await run.registry(), try await run.registry()]
        let outcomes = try await run.within("registering one id from many tasks") {
            await withTaskGroup(of: (any Registration)?.self) { group in
                for version in 0..<16 {
                    group.addTask {
                        try? await registries[version % 2].registered(run.instance("a", version: version))
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        let winners = outcomes.compactMap { $0 }
        try run.expect(winners.count == 1, "\(winners.count) were told that they are registered")
        try await run.expect(registries[0], lists: winners.map(\.instance), "after the contest")
    }

    package static let releasedIDIsFree = Self("an id is free again when it was released") { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        for version in 1...3 {
            let registry = version == 2 ? elsewhere : here
            let instance = run.instance("a", version: version)
            let registration = try await run.register(instance, in: registry)
            try await run.expect(here, lists: [instance], "after register() number \(version)")
            try await run.within("release()") { await registration.release() }
            try await run.expect(elsewhere, lists: [], "after release() number \(version)")
        }
    }

    package static let updateReplaces = Self("an update replaces the instance") { run in
        let registry = try await run.registry()
        let registration = try await run.register(run.instance("a"), in: registry)
        let next = run.instance("a", version: 2, metadata: ["weight": "7"])
        try await run.within("update()") { try await registration.update(next) }
        try run.expect(registration.instance == next, "the registration still has the old instance")
        try await run.expect(run.registry(), lists: [next], "after update()")
        for (id, service) in [("b", run.service), ("a", run.service + "-2")] {
            let other = run.instance(id, of: service)
            try await run.expect(.invalidInstance, from: "updating to another id or name") {
                try await registration.update(other)
            }
        }
        try await run.expect(registry, lists: [next], "after a refused update()")
    }

    package static let deregisterKeepsOut = Self(
        "deregister() takes an instance out before it returns, and keeps it out"
    ) { run in
        let (here, elsewhere) = (try await run.registry(), try await run.registry())
        let other = run.instance("b")
        try await run.register(other, in: here)
        let registration = try await run.register(run.instance("a"), in: here)
        try await run.within("deregister()") { try await registration.deregister() }
        try await run.expect(elsewhere, lists: [other], "after deregister()")
        try run.expect(registration.state.value == .deregistered, "its state is \(registration.state.value)")
        try await run.within("a second deregister()") { try await registration.deregister() }
        let next = run.instance("a", version: 2)
        try await run.expect(.unsupported, from: "updating what was deregistered") {
            try await registration.update(next)
        }
        try await run.expect(elsewhere, lists: [other], "after a refused update()")
        try await run.within("release()") { await registration.release() }
        try await run.within("a second release()") { await registration.release() }
        let last = try await run.within("the end of its states, after release()") {
            await registration.state.values.reduce(nil) { $1 }
        }
        try run.expect(last == .deregistered, "its last state is \(last.map { "\($0)" } ?? "none")")
    }

    package static let registeringBeforeRunning = Self("an instance may be registered before the registry runs") {
        run in
        let registry = try await run.registryAtRest()
        let instance = run.instance("a")
        let registration = try registry.register(instance)
        run.hold(registration)
        run.start(registry)
        try await run.within("the registration") { try await registration.waitUntilRegistered() }
        try await run.expect(run.registry(), lists: [instance], "after register() and run()")
    }

    package static let invalidNames = Self("invalid names are refused") { run in
        let registry = try await run.registry()
        for bad in ["", ".a", "a/b", "a b", "é", String(repeating: "a", count: 1000)] {
            for instance in [run.instance(bad), run.instance("a", of: bad)] {
                try await run.expect(.invalidInstance, from: "registering the name \"\(bad.prefix(9))\"") {
                    _ = try await registry.registered(instance)
                }
            }
            try await run.expect(.invalidInstance, from: "listing the service \"\(bad.prefix(9))\"") {
                _ = try await registry.instances(of: bad)
            }
            try await run.follow(registry, bad).wait(for: "a watch that says so") { !$0.state.isLive }
        }
    }
}
