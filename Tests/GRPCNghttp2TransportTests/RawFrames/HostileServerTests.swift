import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Servers that break HTTP/2 or gRPC, or try to harm: the call fails with the right error, and the next one is served.
@Suite(.timeLimit(.minutes(1)))
struct HostileServerTests {
    private static let config = Nghttp2ClientTransport.Config.defaults {
        $0.maxMessageBytes = 64 * 1024
        $0.limits.maxHeaderListBytes = 4096
        $0.limits.maxHeaderFields = 32
        $0.limits.maxControlFramesPerSecond = 10
        $0.backoff.initial = .milliseconds(10)
    }

    @Test(arguments: HostileAnswer.all)
    func hostileAnswerFailsItsCallAndTheNextCallIsServed(_ answer: HostileAnswer) async throws {
        try await ScriptedServer.run(answer: answer.bytes, closing: answer.closing) { server in
            try await withClient(server.address, config: Self.config) { client in
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
            guard case .ok = outcome else {
                Issue.record("the call did not fail: \(answer)")
                return
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
