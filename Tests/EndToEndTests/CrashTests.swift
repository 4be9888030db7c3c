import Foundation
import ServiceKit
import ServiceKitTestSupport
import Testing

/// Servers that die.
@Suite(.timeLimit(.minutes(3)), .serialized) struct CrashTests {
    @Test func aKilledServerIsGoneAtOnce() async throws {
        try await Fleet.with { fleet in
            var times: [Duration] = []
            for round in 0..<20 {
                let server = try await fleet.start("user-\(round)")
                let killed = ContinuousClock.now
                server.signal(SIGKILL)
                try await fleet.waitUntilGone("user-\(round)")
                times.append(.now - killed)
                #expect(try await server.waitForExit() == .signaled(SIGKILL))
            }
            times.sort()
            print("a watcher drops a killed server after \(times[times.count / 2]) (median of \(times.count))")
        }
    }

    @Test func noCallFailsWhenServersAreKilledUnderLoad() async throws {
        try await Fleet.with { fleet in
            let survivor = try await fleet.start("survivor")
            let result = try await fleet.underLoad(callers: 32) {
                for round in 0..<5 {
                    let server = try await fleet.start("user-\(round)")
                    server.signal(SIGKILL)
                    try await fleet.waitUntilGone("user-\(round)")
                }
            }
            #expect(result.failures == [:])
            #expect(result.calls > 0)
            survivor.signal(SIGTERM)
            #expect(try await survivor.waitForExit() == .exited(0))
        }
    }

    @Test func anIdIsFreeAgainWhenItsOwnerDied() async throws {
        try await Fleet.with { fleet in
            let first = try await fleet.start("user-1")
            first.signal(SIGKILL)
            try await fleet.waitUntilGone("user-1")
            let second = try await fleet.start("user-1")
            second.signal(SIGTERM)
            #expect(try await second.waitForExit() == .exited(0))
            #expect(fleet.directory.files == [])
        }
    }
}
