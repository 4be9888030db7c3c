import BenchmarkHarness
import BenchmarkSupport
import ServiceKit
import ServiceKitConfig

/// The middleware that an App has by default, without its transport.
enum Chains {
    /// The CPU time of a call through a chain, over a call through none.
    static func all(_ calls: Int) -> [Benchmark] {
        [
            benchmark("chain_server", .server, calls) { $0.serverMiddleware },
            benchmark("chain_client", .client, calls) { $0.clientMiddleware },
        ]
    }

    private static func benchmark(
        _ name: String,
        _ side: Call.Side,
        _ calls: Int,
        _ chain: @escaping @Sendable (App) -> MiddlewareChain
    ) -> Benchmark {
        Benchmark(
            name: name,
            figure: "CPU of a call through the \(side)'s default middleware, over none, in µs",
            bar: .atMost(6),
            subjects: [
                Subject(name: "default") { try await sample(chain(app()), side, calls) },
                Subject(name: "none") { try await sample(MiddlewareChain(), side, calls) },
                Subject(name: "with a rate limit") {
                    try await sample(chain(app("{ rate-limit: { per-second: 1000000 } }")), side, calls)
                },
            ],
            ratio: { chain, none in chain - none }
        )
    }

    private static func app(_ server: String = "{}") throws -> App {
        let configuration = try Configuration(
            yaml: """
                app: { name: benchmark }
                log: { level: error }
                client: { timeouts: { default: 10s } }
                server: \(server)
                """,
            origin: "bench-governance"
        )
        return try App(configuration: configuration, registry: MemoryRegistry())
    }

    private static func sample(_ chain: MiddlewareChain, _ side: Call.Side, _ calls: Int) async throws -> Sample {
        let metadata: CallMetadata = ["user-agent": "benchmark", "x-md-global-user": "17"]
        let start = try ProcessUsage.current.cpuSeconds
        for _ in 0..<calls {
            let call = Call(
                side: side, operation: "/benchmark.Benchmark/Echo", peer: "127.0.0.1:9000", metadata: metadata)
            let result = await chain.run(call) { _ in CallResult() }
            if let error = result.error { throw error }
        }
        let seconds = try ProcessUsage.current.cpuSeconds - start
        return Sample(main: .init(value: seconds / Double(calls) * 1e6, unit: "µs"))
    }
}
