import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Load over HTTP on the port that callers of gRPC use at the same time.
@Suite(.timeLimit(.minutes(3))) struct MixedLoadTests {
    private static let h2load = RunningProgram.path(of: "h2load")
    private static let wrk = RunningProgram.path(of: "wrk")

    /// Runs a load on a server, while callers call it. No call of any of them may fail.
    private func load(
        _ program: String?, _ arguments: [String], _ body: @escaping @Sendable (String) throws -> Void
    ) async throws {
        let program = try #require(program)
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            let endpoint = try #require(fleet.instances.value["user-1"]?.endpoints.first)
            let url = "http://127.0.0.1:\(endpoint.port)/v1/users/1"
            let output = Shared("")
            // A busy machine takes its time.
            let calls = try await fleet.underLoad(callers: 8, timeout: .seconds(90)) {
                let result = try await RunningProgram.run(program, arguments + [url])
                #expect(result.exit == .exited(0), "\(result.errors)")
                output.update { $0 = result.output }
            }
            #expect(calls.failures == [:], "of \(calls.calls) calls")
            try body(output.value)
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
        }
    }

    @Test(.enabled(if: h2load != nil, "h2load is not on the PATH"))
    func h2loadOverHTTP2() async throws {
        try await load(Self.h2load, ["-n", "3000", "-c", "8", "-m", "16"]) { output in
            #expect(output.contains("status codes: 3000 2xx, 0 3xx, 0 4xx, 0 5xx"), "\(output)")
            #expect(output.contains(" 3000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(output)")
        }
    }

    @Test(.enabled(if: h2load != nil, "h2load is not on the PATH"))
    func h2loadOverHTTP1() async throws {
        try await load(Self.h2load, ["--h1", "-n", "2000", "-c", "8", "-m", "8"]) { output in
            #expect(output.contains("status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx"), "\(output)")
        }
    }

    @Test(.enabled(if: wrk != nil, "wrk is not on the PATH"))
    func wrkOverHTTP1() async throws {
        try await load(Self.wrk, ["-t", "1", "-c", "16", "-d", "2s", "--timeout", "30s"]) { output in
            #expect(output.contains("Requests/sec:"), "\(output)")
            // It prints these lines only if there are some.
            #expect(!output.contains("Non-2xx") && !output.contains("Socket errors"), "\(output)")
        }
    }
}
