import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC

/// The server's word on another attempt.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct RetryPushbackTests {
    private static func pushedBack(_ value: String) -> RPCError {
        RPCError(code: .unavailable, message: "busy", metadata: [RetryPushback.key: "\(value)"])
    }

    @Test func serverThatPushesBackGetsTheRetryAfterThePause() async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            try await bed.server(
                "a",
                [
                    "Try": { _, _ in
                        guard calls.increment() == 2 else { throw Self.pushedBack("300") }
                        return .text("a")
                    }
                ]
            )
            let client = try bed.client(ChannelOptions.retrying())
            let start = ContinuousClock.now
            #expect(try await client.text("Try") == "a")
            // Without the server's word the first retry is made at once.
            #expect(ContinuousClock.now - start >= .milliseconds(300))
        }
    }

    @Test(arguments: ["-1", "soon", "", "60001"])
    func serverThatWantsNoRetryGetsNone(value: String) async throws {
        try await withTestBed { bed in
            let calls = Watched(0)
            try await bed.server(
                "a",
                [
                    "Try": { _, _ in
                        calls.update { $0 += 1 }; throw Self.pushedBack(value)
                    }
                ])
            let failure = try #require(await bed.client(ChannelOptions.retrying()).failure("Try"))
            #expect(failure.code == .unavailable)
            #expect(calls.value == 1)
        }
    }

    @Test(arguments: [
        (["0"], RetryPushback.after(.zero)), (["60000"], .after(.seconds(60))), (["60001"], .never), (["-1"], .never),
        (["1", "2"], .never), (["1.5"], .never), (["99999999999999999999"], .never), ([], .none),
    ])
    func pushbackIsReadFromTrailers(values: [String], expected: RetryPushback) {
        var trailers = Metadata()
        for value in values { trailers.addString(value, forKey: RetryPushback.key) }
        #expect(RetryPushback(trailers) == expected)
    }
}
