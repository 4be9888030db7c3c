import ArgumentParser
import BenchmarkSupport
import EtcdClient

/// Writes keys through one client, a number of them at a time.
struct Put: AsyncParsableCommand {
    @OptionGroup
    var etcd: EtcdOptions

    @Option(help: "How many puts to measure, after a warm-up of a tenth as many.")
    var puts: Int

    @Option(help: "How many puts are under way at any time.")
    var inFlight: Int

    @Option(help: "How many bytes a value has.")
    var bytes: Int

    func run() async throws {
        exitAtEndOfStandardInput()
        try await self.etcd.withClient { client in
            _ = try await self.run(self.puts / 10, on: client)
            let start = (cpu: try ProcessUsage.current.cpuSeconds, time: ContinuousClock.now)
            let latencies = try await self.run(self.puts, on: client)
            try report(
                PutReport(
                    seconds: start.time.duration(to: .now) / .seconds(1),
                    cpuSeconds: try ProcessUsage.current.cpuSeconds - start.cpu,
                    p50Microseconds: latencies.microseconds(50),
                    p99Microseconds: latencies.microseconds(99)
                )
            )
        }
    }

    /// Each put writes a key of its own; the process that has started this one counts the keys.
    private func run(_ puts: Int, on client: EtcdClient) async throws -> Latencies {
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: self.bytes)
        return try await withThrowingTaskGroup(of: Latencies.self) { group in
            for worker in 0..<self.inFlight {
                group.addTask {
                    var latencies = Latencies()
                    for number in stride(from: worker, to: puts, by: self.inFlight) {
                        let start = ContinuousClock.now
                        try await client.put("bench/\(number)", value)
                        latencies.record(start.duration(to: .now))
                    }
                    return latencies
                }
            }
            var all = Latencies()
            for try await latencies in group { all.add(latencies) }
            return all
        }
    }
}
