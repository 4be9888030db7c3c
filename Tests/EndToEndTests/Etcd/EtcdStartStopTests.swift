import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Services start, stop and hang, with and without a running etcd.
@Suite(.timeLimit(.minutes(6)), .serialized, .enabled(if: EtcdServer.isAvailable()))
struct EtcdStartStopTests {
    @Test func etcdIsAwayWhenAServiceStartsThatNeedsIt() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.kill()
            let server = try RunningProgram.userServer(
                id: "user-1", settings: EtcdFleet.settings(etcd.endpoints, ["registry.timeout=10s"])
            )
            #expect(try await server.waitForExit() == .exited(1))
            let line = try #require(server.errors.split(separator: "\n").last)
            #expect(line.hasPrefix("servicekit-user-server: error: "))
            #expect(line.contains(etcd.endpoints[0]), "\(line)")
            #expect(line.contains("refused"), "\(line)")
        }
    }

    @Test func etcdIsAwayWhenAServiceStartsThatCanWait() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.kill()
            let settings = EtcdFleet.settings(etcd.endpoints)
            try await Fleet.with(settings, TemporaryDirectory()) { fleet in
                let server = try RunningProgram.userServer(
                    id: "user-1", settings: settings + ["registry.registration=background", "log.level=info"]
                )
                try await server.waitForErrors("] serving")
                try await etcd.start()
                _ = await fleet.instances.first { $0["user-1"] != nil }
                server.signal(SIGTERM)
                #expect(try await server.waitForExit() == .exited(0))
                try await fleet.waitUntilGone("user-1")
            }
        }
    }

    @Test func etcdIsAwayWhenAServiceStops() async throws {
        try await EtcdServer.withServer { etcd in
            let settings = EtcdFleet.settings(etcd.endpoints)
            try await Fleet.with(settings, TemporaryDirectory()) { fleet in
                // A request would take far longer than the stop may.
                let limits = [
                    "shutdown.deregister-timeout=1s", "shutdown.release-timeout=1s",
                    "registry.etcd.request-timeout=10m",
                ]
                let server = try await fleet.start("user-1", settings: limits)
                try await etcd.kill()
                let stopped = ContinuousClock.now
                server.signal(SIGTERM)
                #expect(try await server.waitForExit() == .exited(0))
                // Deregistration, the lame-duck gap, the drain and the release, each up to its limit.
                #expect(ContinuousClock.now - stopped < .seconds(60))
                #expect(server.errors.contains("phase=deregistering"), "\(server.errors)")
            }
        }
    }

    @Test func aServiceHangsForLongerThanItsTimeToLive() async throws {
        try await EtcdFleet.with { fleet in
            // The call on the hanging server is answered when it resumes.
            try await fleet.survives(timeout: .seconds(60)) { fleet in
                let server = try #require(fleet.servers["user-2"])
                server.signal(SIGSTOP)
                try await fleet.fleet.waitUntilGone("user-2")
                server.signal(SIGCONT)
            }
        }
    }

    @Test func aKilledServiceIsGoneAfterItsTimeToLive() async throws {
        try await EtcdFleet.with { fleet in
            let victim = try await fleet.fleet.start("user-4")
            try await fleet.survives { fleet in
                victim.signal(SIGKILL)
                try await fleet.fleet.waitUntilGone("user-4")
            }
        }
    }

    @Test func noCallFailsWhenServersAreStoppedOneAfterTheOther() async throws {
        try await EtcdServer.withServer { etcd in
            // No lease is lost and left for another instance, however slow the machine is.
            let settings = EtcdFleet.settings(etcd.endpoints, ["registry.etcd.ttl=10m"])
            try await Fleet.with(settings, TemporaryDirectory()) { fleet in
                let server = Watched(try await fleet.start("user-0"))
                let result = try await fleet.underLoad(callers: 32) {
                    server.set(try await fleet.replace(server.value, times: 5))
                }
                #expect(result.failures == [:])
                #expect(try await etcd.etcdctl("lease", "list").split(separator: "\n").count == 2)
            }
        }
    }
}
