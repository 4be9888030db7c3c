import BenchmarkHarness
import ServiceKitTesting

/// Every benchmark of the registry in etcd, with its bar.
struct EtcdSuite: Sendable {
    var measurements: EtcdMeasurements

    var all: [Benchmark] {
        [
            self.seen, self.changeCPU, self.changeBytes, self.listCPU, self.instanceMemory, self.keepaliveStreams,
            self.puts,
        ]
    }

    private var seen: Benchmark {
        Benchmark(
            name: "seen_p99",
            figure: "p99 from registering to pickable ÷ p99 from put to watched, clientv3",
            bar: .atMost(1.5),
            subjects: [
                Subject(name: "ours, register → pickable") { try await self.measurements.seen(registrations: 500) },
                Subject(name: "clientv3, put → watched") { try await self.measurements.seenPut(.clientv3, puts: 500) },
                Subject(name: "ours, put → watched") { try await self.measurements.seenPut(.ours, puts: 500) },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoClientv3
        )
    }

    private var changeCPU: Benchmark {
        Benchmark(
            name: "change_cpu",
            figure: "watcher's CPU of a change, one instance of 10,000 ÷ one of 100",
            bar: .atMost(2),
            subjects: [
                Subject(name: "of 10,000") { try await self.measurements.changeCPU(among: 10_000, changes: 500) },
                Subject(name: "of 100") { try await self.measurements.changeCPU(among: 100, changes: 500) },
            ],
            ratio: { many, few in many / few },
            skipped: self.whyNoEtcd
        )
    }

    private var changeBytes: Benchmark {
        Benchmark(
            name: "change_bytes",
            figure: "bytes that the watcher receives for a change, one instance of 10,000",
            bar: .atMost(1024),
            subjects: [
                Subject(name: "of 10,000") { try await self.measurements.changeBytes(among: 10_000, changes: 500) },
                Subject(name: "of 100") { try await self.measurements.changeBytes(among: 100, changes: 500) },
            ],
            skipped: self.whyNoEtcd
        )
    }

    private var listCPU: Benchmark {
        Benchmark(
            name: "list_cpu_ms",
            figure: "CPU of the first list of 10,000 instances, connecting to usable, in ms",
            bar: .atMost(300),
            subjects: [Subject(name: "10,000") { try await self.measurements.list(instances: 10_000) }],
            skipped: self.whyNoEtcd
        )
    }

    private var instanceMemory: Benchmark {
        Benchmark(
            name: "instance_kib",
            figure: "KiB of memory for each of 10,000 instances that are followed",
            bar: .atMost(1.5),
            subjects: [Subject(name: "10,000") { try await self.measurements.instanceMemory(instances: 10_000) }],
            skipped: self.whyNoEtcd
        )
    }

    private var keepaliveStreams: Benchmark {
        Benchmark(
            name: "keepalive_streams",
            figure: "streams that keep 1,000 registrations of one process alive",
            bar: .exactly(1),
            subjects: [
                Subject(name: "1,000") { try await self.measurements.keepaliveStreams(registrations: 1000) }
            ],
            skipped: self.whyNoEtcd
        )
    }

    private var puts: Benchmark {
        Benchmark(
            name: "puts_clientv3",
            figure: "puts a second through one client, 64 in flight, ours ÷ clientv3",
            bar: .atLeast(1),
            subjects: [
                Subject(name: "ours") { try await self.measurements.puts(.ours, puts: 20_000) },
                Subject(name: "clientv3") { try await self.measurements.puts(.clientv3, puts: 20_000) },
            ],
            ratio: { ours, theirs in ours / theirs },
            skipped: self.whyNoClientv3
        )
    }

    private var whyNoEtcd: String? {
        EtcdServer.isAvailable() ? nil : "no etcd"
    }

    private var whyNoClientv3: String? {
        self.whyNoEtcd ?? (self.measurements.clientv3 == nil ? "no client on clientv3" : nil)
    }
}
