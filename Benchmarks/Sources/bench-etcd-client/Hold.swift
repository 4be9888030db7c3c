import ArgumentParser
import BenchmarkSupport
import ServiceKit

/// Measures the memory of following a service without instances, and then one with many as well.
struct Hold: AsyncParsableCommand {
    @OptionGroup
    var etcd: EtcdOptions

    @Option(help: "How many instances there are.")
    var instances: Int

    func run() async throws {
        exitAtEndOfStandardInput()
        try await self.etcd.withRegistry { registry in
            let discovery = Discovery(registry)
            var nothing = discovery.watch("nobody").makeAsyncIterator()
            _ = try await nothing.first(0)
            let empty = try await Self.memory()
            var updates = discovery.watch(BenchmarkInstance.service).makeAsyncIterator()
            let found = try await updates.first(self.instances)
            let full = try await Self.memory()
            // Both services are followed until here. The check takes memory of its own, and so comes last.
            withExtendedLifetime((nothing, updates)) {}
            try found.check(BenchmarkInstance.all(self.instances))
            try report(HoldReport(empty: empty, full: full))
        }
    }

    private static func memory() async throws -> HoldReport.Memory {
        let usage = ProcessUsage.current
        return HoldReport.Memory(residentKiB: try await usage.settledKiB(), anonymousKiB: try usage.anonymousKiB)
    }
}
