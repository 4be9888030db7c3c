import ServiceKit
import ServiceKitTesting
import Testing

/// etcd goes away and comes back, in part or as a whole.
@Suite(.timeLimit(.minutes(6)), .serialized, .enabled(if: EtcdServer.isAvailable()))
struct EtcdOutageTests {
    @Test func aRestartThatKeepsTheData() async throws {
        try await EtcdFleet.with { fleet in
            try await fleet.survives { fleet in
                try await fleet.etcd.kill()
                try await fleet.etcd.start()
                try await fleet.etcd.waitUntilReady()
            }
        }
    }

    @Test func anOutageLongerThanTheTimeToLive() async throws {
        try await EtcdFleet.with { fleet in
            try await fleet.survives { fleet in
                try await fleet.etcd.kill()
                // The length of the outage is the subject of this test.
                try await Task.sleep(for: EtcdFleet.ttl + .seconds(3))
                try await fleet.etcd.start()
                try await fleet.etcd.waitUntilReady()
            }
        }
    }

    /// etcd comes back unchanged, and ends all leases at once, since nobody has renewed them.
    @Test func aHangLongerThanTheTimeToLive() async throws {
        try await EtcdFleet.with { fleet in
            try await fleet.survives { fleet in
                try fleet.etcd.suspend()
                // Long enough for clients to notice, after 9 seconds, and for the leases to end.
                try await Task.sleep(for: .seconds(15))
                try fleet.etcd.resume()
                try await fleet.etcd.waitUntilReady()
            }
        }
    }

    @Test func fleetSurvivesAWipedStore() async throws {
        try await EtcdFleet.with { fleet in
            try await fleet.survives { fleet in
                try await fleet.etcd.kill()
                try fleet.etcd.wipe()
                try await fleet.etcd.start()
                try await fleet.etcd.waitUntilReady()
            }
        }
    }

    @Test func theLeaderOfThreeIsKilled() async throws {
        try await EtcdFleet.with(.three) { fleet in
            try await fleet.survives { fleet in
                let leader = try await fleet.etcd.leader()
                try await fleet.etcd.kill(leader)
                try await fleet.etcd.waitUntilReady()
                try await fleet.waitUntilRight()
                try await fleet.etcd.start(leader)
                try await fleet.etcd.waitUntilReady()
            }
        }
    }

    @Test func fleetSurvivesMembersThatHang() async throws {
        try await EtcdFleet.with(.three) { fleet in
            try await fleet.survives { fleet in
                // One of them is the member that a process talks to.
                for member in 0..<3 {
                    try fleet.etcd.suspend(member)
                    try await fleet.etcd.waitUntilReady()
                    try await Task.sleep(for: EtcdFleet.ttl + .seconds(2))
                    try await fleet.waitUntilRight()
                    try fleet.etcd.resume(member)
                    try await fleet.etcd.waitUntilReady()
                }
            }
        }
    }

    @Test func theQuorumIsLostFor30Seconds() async throws {
        try await EtcdFleet.with(.three) { fleet in
            try await fleet.survives { fleet in
                try await fleet.etcd.kill(0)
                try await fleet.etcd.kill(1)
                try await Task.sleep(for: .seconds(30))
                try await fleet.etcd.start(0)
                try await fleet.etcd.start(1)
                try await fleet.etcd.waitUntilReady()
            }
        }
    }
}

extension EtcdServer.Options {
    static var three: EtcdServer.Options {
        var options = EtcdServer.Options()
        options.members = 3
        return options
    }
}
