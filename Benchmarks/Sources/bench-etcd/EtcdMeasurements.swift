import BenchmarkHarness
import BenchmarkSupport
import EtcdClient
import Foundation
import ServiceKitTesting
import Subprocess
import SystemPackage

/// The measurements of etcd clients. Each has processes of its own, and an etcd of its own.
struct EtcdMeasurements: Sendable {
    /// The client that is measured.
    enum Client: Sendable {
        case ours
        case clientv3
    }

    /// The program `bench-etcd-client`.
    var client: FilePath

    /// The client on clientv3; `nil` where it was not built.
    var clientv3: FilePath?

    /// The program `bench-server`. It is the endpoint of the instances that a channel connects to.
    var server: FilePath

    /// The numbers of changes and puts are divided by this, for a quick look.
    var divisor: Int

    // MARK: - How soon, and how fast

    /// The 99th percentile of the time from registering an instance until a channel can pick it.
    ///
    /// A quick look makes as many registrations: the percentile needs them.
    func seen(registrations: Int) async throws -> Sample {
        let server = ServerCommand(program: self.server, arguments: ["--transport", "nghttp2"])
        return try await RunningServer.with(server) { server in
            try await EtcdServer.withServer { etcd in
                let report = try await self.run(
                    .ours, on: etcd, SeenReport.self,
                    "seen", "--server-port", "\(server.port)", "--registrations", "\(registrations)"
                )
                return Sample(seen: report)
            }
        }
    }

    /// The 99th percentile of the time from a put until another client's watch tells of it.
    func seenPut(_ client: Client, puts: Int) async throws -> Sample {
        try await EtcdServer.withServer { etcd in
            Sample(seen: try await self.run(client, on: etcd, SeenReport.self, "seen-put", "--puts", "\(puts)"))
        }
    }

    /// The puts that etcd carries out in a second for one client, with 64 puts of 100 bytes in flight.
    func puts(_ client: Client, puts: Int) async throws -> Sample {
        let puts = puts / self.divisor
        return try await EtcdServer.withServer { etcd in
            let report = try await self.run(
                client, on: etcd, PutReport.self, "put", "--puts", "\(puts)", "--in-flight", "64", "--bytes", "100"
            )
            try await EtcdClient.withClient(try EtcdConfig(endpoints: etcd.endpoints)) { client in
                let value = [UInt8](repeating: UInt8(ascii: "x"), count: 100)
                let (entries, revision) = try await client.list(.prefix("bench/"))
                // A new etcd is at revision 1, and the warm-up has written a tenth.
                guard revision == Int64(1 + puts / 10 + puts), entries.count == puts,
                    entries.allSatisfy({ $0.value == value })
                else {
                    throw MeasurementError(
                        description: "after \(puts) puts there are \(entries.count) keys at revision \(revision)"
                    )
                }
            }
            return Sample(
                main: .init(value: Double(puts) / report.seconds, unit: "puts/s"),
                others: [
                    .init(value: report.cpuSeconds / Double(puts) * 1e6, unit: "µs CPU/put"),
                    .init(value: report.p50Microseconds / 1000, unit: "ms p50"),
                    .init(value: report.p99Microseconds / 1000, unit: "ms p99"),
                ]
            )
        }
    }

    // MARK: - The cost of a change

    /// The CPU time of one change in a process that follows the service.
    func changeCPU(among instances: Int, changes: Int) async throws -> Sample {
        let changes = changes / self.divisor
        let report = try await self.watch(instances, changes)
        return Sample(
            main: .init(value: report.cpuSeconds / Double(changes) * 1e6, unit: "µs/change"),
            others: [.init(value: Double(report.snapshots) / Double(changes), unit: "snapshots/change")]
        )
    }

    /// The bytes that a process which follows the service receives for one change.
    func changeBytes(among instances: Int, changes: Int) async throws -> Sample {
        let changes = changes / self.divisor
        let report = try await self.watch(instances, changes)
        // Each event carries the instance. With fewer bytes, some were not counted.
        guard report.bytes > changes * BenchmarkInstance(number: 0).json.utf8.count else {
            throw MeasurementError(description: "only \(report.bytes) bytes were received for \(changes) changes")
        }
        return Sample(main: .init(value: Double(report.bytes) / Double(changes), unit: "bytes/change"))
    }

    private func watch(_ instances: Int, _ changes: Int) async throws -> WatchReport {
        try await self.withPopulation(of: instances) { etcd, population in
            try await self.run(
                .ours, on: etcd, WatchReport.self,
                "watch", "--instances", "\(instances)", "--changes", "\(changes)"
            ) { line in
                if line == "ready" { try await population.change(times: changes) }
            }
        }
    }

    // MARK: - The cost of many instances

    /// The CPU time of following a service with many instances, until they can be used.
    func list(instances: Int) async throws -> Sample {
        try await self.withPopulation(of: instances) { etcd, _ in
            let report = try await self.run(.ours, on: etcd, ListReport.self, "list", "--instances", "\(instances)")
            return Sample(
                main: .init(value: report.cpuSeconds * 1000, unit: "ms CPU"),
                others: [.init(value: report.seconds * 1000, unit: "ms")]
            )
        }
    }

    /// The resident memory that a process gains for each instance of a service that it follows.
    func instanceMemory(instances: Int) async throws -> Sample {
        try await self.withPopulation(of: instances) { etcd, _ in
            let report = try await self.run(.ours, on: etcd, HoldReport.self, "hold", "--instances", "\(instances)")
            let (resident, anonymous) = (
                report.full.residentKiB - report.empty.residentKiB,
                report.full.anonymousKiB - report.empty.anonymousKiB
            )
            return Sample(
                main: .init(value: Double(resident) / Double(instances), unit: "KiB"),
                others: [
                    .init(value: Double(anonymous) / Double(instances), unit: "KiB without files"),
                    .init(value: Double(report.empty.residentKiB) / 1024, unit: "MiB with none"),
                ]
            )
        }
    }

    /// The number of streams that renew the leases of many registrations.
    func keepaliveStreams(registrations: Int) async throws -> Sample {
        try await EtcdServer.withServer { etcd in
            let report = try await self.run(
                .ours, on: etcd, KeepReport.self, "keep", "--registrations", "\(registrations)"
            )
            return Sample(
                main: .init(value: Double(report.streams), unit: "streams"),
                others: [.init(value: Double(registrations) / report.registeringSeconds, unit: "registrations/s")]
            )
        }
    }

    // MARK: - Processes

    private func withPopulation<Result: Sendable>(
        of instances: Int,
        _ body: @escaping @Sendable (EtcdServer, Population) async throws -> Result
    ) async throws -> Result {
        try await EtcdServer.withServer { etcd in
            try await EtcdClient.withClient(try EtcdConfig(endpoints: etcd.endpoints)) { client in
                try await body(etcd, try await Population(of: instances, in: client))
            }
        }
    }

    /// Runs a command of a client.
    ///
    /// - Returns: The report that it prints in its last line.
    private func run<Report: Decodable>(
        _ client: Client,
        on etcd: EtcdServer,
        _ report: Report.Type,
        _ arguments: String...,
        onLine: @escaping @Sendable (String) async throws -> Void = { _ in }
    ) async throws -> Report {
        let program =
            switch client {
            case .ours: self.client
            case .clientv3: self.clientv3
            }
        guard let program, let endpoint = etcd.endpoints.first, let command = arguments.first else {
            throw MeasurementError(description: "there is no client on clientv3")
        }
        let options = ["--endpoint", endpoint] + arguments.dropFirst()
        let text = try await output(of: .path(program), [command] + options, onLine: onLine)
        return try JSONDecoder().decode(report, from: Data((text.split(separator: "\n").last ?? "").utf8))
    }
}

extension Sample {
    /// A sample of the time until a change was seen.
    fileprivate init(seen report: SeenReport) {
        self.init(
            main: .init(value: report.p99Microseconds / 1000, unit: "ms p99"),
            others: [.init(value: report.p50Microseconds / 1000, unit: "ms p50")]
        )
        if let p50 = report.snapshotP50Microseconds, let p99 = report.snapshotP99Microseconds {
            self.others.append(.init(value: p50 / 1000, unit: "ms p50 to the snapshot"))
            self.others.append(.init(value: p99 / 1000, unit: "ms p99"))
        }
    }
}
