import GRPCCore
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Servers that break HTTP/2 or gRPC, or try to harm: the call fails with the right error, and the next one is served.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct HostileServerTests {
    private static let config = Nghttp2ClientTransport.Config.defaults {
        $0.maxMessageBytes = 64 * 1024
        $0.limits.maxHeaderListBytes = 4096
        $0.limits.maxHeaderFields = 32
        $0.limits.maxControlFramesPerSecond = 10
        $0.backoff.initial = .milliseconds(10)
    }

    /// The same for a channel.
    private static var options: ChannelOptions {
        var options = ChannelOptions()
        options.limits.maxMessage = .kibibytes(64)
        options.limits.maxHeaderList = .kibibytes(4)
        options.limits.maxHeaderFields = 32
        options.limits.maxControlFrames = 10
        options.backoff.initial = .milliseconds(10)
        return options
    }

    @Test(arguments: HostileAnswer.all)
    func hostileAnswerFailsItsCallAndTheNextCallIsServed(_ answer: HostileAnswer) async throws {
        try await ScriptedServer.run(answer: answer.bytes, closing: answer.closing) { server in
            try await withCaller(server.address, config: Self.config, options: Self.options) { client in
                await Self.expect(answer.outcome) { try await client.call("Any", [1]) }
                if let code = answer.goAway {
                    try await eventually { server.frames.contains { $0.goAwayCode == code } }
                }
                var options = CallOptions.defaults
                options.waitForReady = true
                let next = try await client.call("Any", [1], options: options)
                #expect(next == [1])
            }
        }
    }

    private static func expect(_ outcome: HostileAnswer.Outcome, _ call: () async throws -> [UInt8]) async {
        do {
            let answer = try await call()
            switch outcome {
            case .ok: break
            // A channel makes such a call again.
            case .notProcessed where CallPath.current == .direct: break
            case .fails, .notProcessed: Issue.record("the call did not fail: \(answer)")
            }
            #expect(answer == [1])
        } catch {
            let error = error as? RPCError
            switch outcome {
            case .ok:
                Issue.record("the call failed: \(String(describing: error))")
            case .fails(let code):
                #expect(error?.code == code, "\(String(describing: error))")
                #expect(error?.isNotProcessed == false)
            case .notProcessed:
                #expect(error?.isNotProcessed == true, "\(String(describing: error))")
            }
        }
    }

    /// A peer that does not speak HTTP/2 is not taken for a server.
    @Test func answerOfHTTP1IsNotReady() async throws {
        let recorder = StateRecorder()
        let greeting = Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
        try await ScriptedServer.run(answer: { _ in [] }, closing: false, greeting: greeting) { server in
            try await withClientConnection(
                server.address, config: Self.config, recorder: recorder, untilReady: false
            ) { _ in
                try await eventually { recorder.lastFailure != nil }
            }
        }
        #expect(!recorder.names.contains("ready"))
    }
}
