import ArgumentParser
import BenchmarkHarness
import Foundation
import SystemPackage

/// Measures the registry in etcd and the client of etcd beside clientv3, and prints a table.
@main
struct BenchEtcd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-etcd",
        abstract: "Measures ServiceKitEtcd and EtcdClient on a real etcd; `ratio NAME VALUE` lines are for scripts."
    )

    @OptionGroup
    var options: BenchmarkOptions

    @Option(help: "The client on etcd's clientv3, built from Peers/go-etcd.")
    var clientv3: String?

    func run() async throws {
        let programs = FilePath(Bundle.main.executablePath ?? CommandLine.arguments[0]).removingLastComponent()
        let suite = EtcdSuite(
            measurements: EtcdMeasurements(
                client: programs.appending("bench-etcd-client"),
                clientv3: self.clientv3.map { FilePath($0) },
                server: programs.appending("bench-server"),
                divisor: self.options.quick ? 4 : 1
            )
        )
        try await untilSignalled { try await self.options.measure(suite.all) }
    }
}
