import ArgumentParser
import BenchmarkSupport
import ServiceKit

/// Follows a service with many instances in a fresh process, and measures the cost until they can be used.
struct List: AsyncParsableCommand {
    @OptionGroup
    var etcd: EtcdOptions

    @Option(help: "How many instances there are.")
    var instances: Int

    func run() async throws {
        exitAtEndOfStandardInput()
        let start = (cpu: try ProcessUsage.current.cpuSeconds, time: ContinuousClock.now)
        try await self.etcd.withRegistry { registry in
            var updates = Discovery(registry).watch(BenchmarkInstance.service).makeAsyncIterator()
            let found = try await updates.first(self.instances)
            let listed = ListReport(
                cpuSeconds: try ProcessUsage.current.cpuSeconds - start.cpu,
                seconds: start.time.duration(to: .now) / .seconds(1)
            )
            try found.check(BenchmarkInstance.all(self.instances))
            try report(listed)
        }
    }
}
