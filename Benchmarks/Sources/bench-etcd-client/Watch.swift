import ArgumentParser
import BenchmarkSupport
import Foundation
import ServiceKit

/// Follows a service whose instances change one after the other, and measures the cost of a change.
///
/// Prints the line `ready` when the changes may begin.
struct Watch: AsyncParsableCommand {
    @OptionGroup
    var etcd: EtcdOptions

    @Option(help: "How many instances there are.")
    var instances: Int

    @Option(help: "How many changes there will be.")
    var changes: Int

    func run() async throws {
        exitAtEndOfStandardInput()
        try await self.etcd.withRegistry { registry in
            var updates = Discovery(registry).watch(BenchmarkInstance.service).makeAsyncIterator()
            var known = try await updates.first(self.instances)
            // The work that is left after listing is no part of a change.
            try await Task.sleep(for: .milliseconds(500))
            let port = try self.etcd.port
            let start = (cpu: try ProcessUsage.current.cpuSeconds, bytes: ConnectionUsage.bytesReceived(fromPort: port))
            print("ready")
            fflush(nil)

            var snapshots = 0
            var last = 0
            while last < self.changes, let snapshot = await updates.next() {
                snapshots += 1
                for instance in snapshot.instances.changes(since: known).updated {
                    last = max(last, instance.metadata["change"].flatMap { Int($0) } ?? 0)
                }
                known = snapshot.instances
            }
            let watched = WatchReport(
                cpuSeconds: try ProcessUsage.current.cpuSeconds - start.cpu,
                bytes: ConnectionUsage.bytesReceived(fromPort: port) - start.bytes,
                snapshots: snapshots
            )
            try known.check(BenchmarkInstance.all(self.instances, after: self.changes))
            try report(watched)
        }
    }
}
