import GRPCCore
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// No frame of a peer allows it to flood afterwards.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct CalmDownTests {
    /// GOAWAY with an error that the client chooses.
    private static let goAway = Frames.frame(type: 7, payload: [0, 0, 0, 0, 0, 0, 0, 2])
    private static let ping = Frames.frame(type: 6, payload: [0, 0, 0, 0, 0, 0, 0, 0])

    @Test func floodAfterAGoAwayWithAnErrorIsLimited() async throws {
        var config = Nghttp2ServerTransport.Config.defaults
        config.limits.maxControlFramesPerSecond = 10
        config.keepalive.minPingInterval = .zero
        config.keepalive.allowPingsWithoutCalls = true
        let log = LogRecorder()
        let hang: RawHandler = { _, _ in
            try await untilCancelled()
            return StreamingServerResponse(of: [UInt8].self) { _ in [:] }
        }
        try await withSecureServer(.plaintext, ["Hang": hang], config: config, logger: log.logger()) { _, address in
            let flood = Array(repeating: Self.ping, count: 200).flatMap { $0 }
            let received = try await Frames.exchange(
                address,
                Frames.preface + Frames.settings + Frames.request(stream: 1, method: "Hang") + Self.goAway + flood
            ) { _ in false }
            // The last frame is a GOAWAY.
            #expect(Frames.summary(received).last?.type == 7)
        }
        #expect(log.warnings.compactMap { $0.metadata["limit"] } == ["max-control-frames"])
    }
}
