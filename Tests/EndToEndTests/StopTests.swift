import Foundation
import ServiceKit
import ServiceKitTestSupport
import Testing

/// Servers that are asked to stop.
@Suite(.timeLimit(.minutes(4)), .serialized) struct StopTests {
    @Test func noCallFailsWhenServersAreStoppedUnderLoad() async throws {
        try await Fleet.with { fleet in
            let server = Watched(try await fleet.start("user-0"))
            let result = try await fleet.underLoad(callers: 64) {
                server.set(try await fleet.replace(server.value, times: 20))
            }
            #expect(result.failures == [:])
            print("\(result.calls) calls while 20 servers were stopped")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGQUIT])
    func aSignalStopsInOrder(signal: Int32) async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            server.signal(signal)
            #expect(try await server.waitForExit() == .exited(0))
            #expect(fleet.directory.files == [])
            let log = server.errors
            let order = ["registered", "serving", "stopping", "deregistered", "stopped"].compactMap { word in
                log.firstRange(of: "] \(word)")?.lowerBound
            }
            #expect(order.count == 5)
            #expect(order == order.sorted())
        }
    }

    @Test func aSecondSignalHurries() async throws {
        try await Fleet.with { fleet in
            // Without the second signal the stop would take longer than the suite's time limit.
            let server = try await fleet.start("user-1", settings: ["shutdown.lame-duck=10m"])
            server.signal(SIGTERM)
            try await fleet.waitUntilGone("user-1")
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
            #expect(server.errors.contains("hurrying"))
            #expect(fleet.directory.files == [])
        }
    }

    /// A signal of another kind, since the kernel merges two equal signals.
    @Test func aSecondSignalRightAfterTheFirstIsNotLost() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1", settings: ["shutdown.lame-duck=10m"])
            server.signal(SIGTERM)
            server.signal(SIGINT)
            #expect(try await server.waitForExit() == .exited(0))
            #expect(server.errors.contains("hurrying"))
            #expect(fleet.directory.files == [])
        }
    }
}
