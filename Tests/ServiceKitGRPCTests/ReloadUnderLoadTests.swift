import Foundation
import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKitGRPC

/// A configuration that changes all the time while calls are made at full speed.
///
/// `make soak-reload` runs the test with 1,000 reloads in a minute and prints the memory of the process.
@Suite(.timeLimit(.minutes(5)))
struct ReloadUnderLoadTests {
    private static let callers = 64
    /// The number of changes of the file. The environment sets another number, to be made within a minute.
    private static let reloads = 60
    private static let longRun = ProcessInfo.processInfo.environment["KIT_TEST_RELOADS"].flatMap(Int.init)

    /// Counts the served calls by the addresses that they come from. Each connection has one of its own.
    private final class Peers: Middleware {
        let calls = Mutex<[String: Int]>([:])

        func beginServing(_ call: inout Call) {
            let peer = call.peer
            calls.withLock { $0[peer, default: 0] += 1 }
        }
    }

    /// The results of the calls.
    private struct Calls {
        var count = 0
        var failures: [String: Int] = [:]
    }

    /// A configuration whose values differ from number to number.
    private static func good(_ number: Int) -> String {
        let balancer = number.isMultiple(of: 2) ? "p2c" : "round_robin"
        return """
            log: {level: error, levels: {db: \(number.isMultiple(of: 2) ? "info" : "debug")}}
            server: {timeouts: {default: \(60 + number)s}, limit: {concurrency: none}}
            client:
              balancer: \(balancer)
              balancers: {p2c: {decay: \(500 + number)ms}}
              ready-timeout: \(60 + number)s
              timeouts: {default: \(60 + number)s, methods: {/test.Service/Name: \(60 + number)s}}
              retry: {attempts: \(2 + number % 3), burst: \(number), buffer: \(number)KiB, idempotent: [/test.Service/]}
            """
    }

    /// A mistake of each kind, and the place and the start of its error.
    private static let mistakes = [
        ("client: {balancer: p3c}", "3:20: client.balancer: no balancer \"p3c\""),
        ("client: {retry: {attempts: 0}}", "3:28: client.retry.attempts: expected 1 to 100"),
        ("server: {timeouts: {default: soon}}", "3:30: server.timeouts.default: expected a duration"),
        ("log: {levels: {db: loud}}", "3:20: log.levels.db: "),
        ("client: {balancers: {p2c: {dekay: 1s}}}", "3:28: client.balancers.p2c.dekay: unknown key"),
        ("server: [", "5:1: server: YAML syntax: "),
    ]

    @Test func reloadsUnderLoadFailNoCallAndCutNoConnection() async throws {
        let reloads = Self.longRun ?? Self.reloads
        let live = try await LiveApp(Self.good(0), registry: MemoryRegistry())
        let service = TestService(id: "a")
        let peers = Peers()
        live.app.use(peers)
        live.app.serve(service, descriptors: []) { $0 = service.methods }
        let channel = try live.app.channel("test")
        let calls = Watched(Calls())
        let isOver = Watched(false)
        try await serving(live.app, log: live.log) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.callers {
                    group.addTask {
                        while !isOver.value {
                            let failure = await channel.failure()
                            calls.update { calls in
                                calls.count += 1
                                if let failure { calls.failures["\(failure)", default: 0] += 1 }
                            }
                        }
                    }
                }
                defer { isOver.set(true) }
                // All callers are at work, and every cache is warm.
                _ = await calls.first { $0.count >= 20 * Self.callers }
                try await reload(live, times: reloads, calls)
            }
        }
        let result = calls.value
        #expect(result.failures == [:], "of \(result.count) calls")
        // One connection, and no call that was made again.
        #expect(peers.calls.withLock { Array($0.values) } == [result.count])
        let refusals = (1...reloads).count { $0.isMultiple(of: 3) }
        #expect(live.status.refusals == refusals)
        #expect(live.status.generation == 1 + reloads - refusals)
        #expect(live.status.needsRestart == [])
    }

    /// Changes the file; every third change is a mistake.
    private func reload(_ live: LiveApp, times: Int, _ calls: Watched<Calls>) async throws {
        let start = ContinuousClock.now
        for number in 1...times {
            if Self.longRun != nil {
                try await Task.sleep(until: start + .seconds(60) * number / times, clock: .continuous)
            }
            if number.isMultiple(of: 3) {
                let generation = live.status.generation
                let (yaml, error) = Self.mistakes[number / 3 % Self.mistakes.count]
                // A reload that finds the same text would be no change.
                try await live.change(to: yaml + "\n# \(number)")
                #expect(live.status.refusal?.hasPrefix("\(live.file):\(error)") == true, "\(live.status)")
                #expect(live.status.generation == generation)
            } else {
                try await live.change(to: Self.good(number))
                #expect(live.status.refusal == nil)
            }
            // The calls go on under each configuration.
            let count = calls.value.count
            _ = await calls.first { $0.count > count }
            if Self.longRun != nil, number == 1 || number.isMultiple(of: max(1, times / 10)) {
                let time = (ContinuousClock.now - start).components.seconds
                print(
                    "reload \(number) of \(times) after \(time) s: \(calls.value.count) calls, "
                        + "\(calls.value.failures.count) kinds of failure, \(ResidentMemory.kibibytes / 1024) MiB resident"
                )
            }
        }
    }
}
