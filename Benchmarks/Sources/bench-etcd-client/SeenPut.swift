import ArgumentParser
import BenchmarkSupport
import EtcdClient
import ServiceKit

/// Writes a key again and again, and measures the time until the watch of another client reports it.
struct SeenPut: AsyncParsableCommand {
    @OptionGroup
    var etcd: EtcdOptions

    @Option(help: "How many puts to measure, after a warm-up of a tenth as many.")
    var puts: Int

    func run() async throws {
        exitAtEndOfStandardInput()
        try await self.etcd.withClient { writer in
            try await self.etcd.withClient { watcher in
                let seen = Watched<(revision: Revision, at: ContinuousClock.Instant)>((0, .now))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for try await update in watcher.watch(.prefix(BenchmarkInstance.prefix)) {
                            if case .events(let events) = update, let last = events.last {
                                seen.set((last.entry.modRevision, .now))
                            } else if case .connected(let revision) = update {
                                seen.set((revision - 1, .now))
                            }
                        }
                    }
                    defer { group.cancelAll() }
                    _ = await seen.first { $0.revision > 0 }
                    try await self.measure(writer, seen)
                }
            }
        }
    }

    private func measure(
        _ writer: EtcdClient,
        _ seen: Watched<(revision: Revision, at: ContinuousClock.Instant)>
    ) async throws {
        var latencies = Latencies()
        var pace = Pace()
        for number in -self.puts / 10..<self.puts {
            let instance = BenchmarkInstance(number: 0, change: number)
            let start = try await pace.next()
            let revision = try await writer.put(instance.key, instance.json).revision
            guard let told = await seen.first(where: { $0.revision >= revision }) else { throw CancellationError() }
            if number >= 0 { latencies.record(start.duration(to: told.at)) }
        }
        try report(
            SeenReport(p50Microseconds: latencies.microseconds(50), p99Microseconds: latencies.microseconds(99))
        )
    }
}
