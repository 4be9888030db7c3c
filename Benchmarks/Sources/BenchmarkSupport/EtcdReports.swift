/// The JSON that `bench-etcd-client list` prints.
public struct ListReport: Codable, Sendable {
    /// The CPU time from before the first connection until the list could be used.
    public var cpuSeconds: Double

    /// The wall-clock time of the same interval.
    public var seconds: Double

    /// Creates a report.
    public init(cpuSeconds: Double, seconds: Double) {
        self.cpuSeconds = cpuSeconds
        self.seconds = seconds
    }
}

/// The JSON that `bench-etcd-client hold` prints.
public struct HoldReport: Codable, Sendable {
    /// Memory of a process, in KiB.
    public struct Memory: Codable, Sendable {
        /// All resident memory.
        public var residentKiB: Int

        /// The resident memory that is not a file's.
        public var anonymousKiB: Int

        /// Creates a reading.
        public init(residentKiB: Int, anonymousKiB: Int) {
            self.residentKiB = residentKiB
            self.anonymousKiB = anonymousKiB
        }
    }

    /// The memory while watching a service without instances.
    public var empty: Memory

    /// The memory while holding the instances, too.
    public var full: Memory

    /// Creates a report.
    public init(empty: Memory, full: Memory) {
        self.empty = empty
        self.full = full
    }
}

/// The JSON that `bench-etcd-client watch` prints.
public struct WatchReport: Codable, Sendable {
    /// The CPU time that the changes took.
    public var cpuSeconds: Double

    /// The bytes received for them.
    public var bytes: Int

    /// The number of snapshots that carried them.
    public var snapshots: Int

    /// Creates a report.
    public init(cpuSeconds: Double, bytes: Int, snapshots: Int) {
        self.cpuSeconds = cpuSeconds
        self.bytes = bytes
        self.snapshots = snapshots
    }
}

/// The JSON that `bench-etcd-client keep` prints.
public struct KeepReport: Codable, Sendable {
    /// The number of streams that were opened to renew leases.
    public var streams: Int

    /// The time that it took to register all instances.
    public var registeringSeconds: Double

    /// Creates a report.
    public init(streams: Int, registeringSeconds: Double) {
        self.streams = streams
        self.registeringSeconds = registeringSeconds
    }
}

/// The JSON that `bench-etcd-client seen` and `seen-put`, and Go's `seen-put`, print: the time until a watcher has the
/// change.
public struct SeenReport: Codable, Sendable {
    /// The median, in microseconds.
    public var p50Microseconds: Double

    /// The 99th percentile, in microseconds.
    public var p99Microseconds: Double

    /// The median time from a registration until a snapshot has the instance, in microseconds.
    public var snapshotP50Microseconds: Double?

    /// The 99th percentile of the time from a registration until a snapshot has the instance, in microseconds.
    public var snapshotP99Microseconds: Double?

    /// Creates a report.
    public init(
        p50Microseconds: Double,
        p99Microseconds: Double,
        snapshotP50Microseconds: Double? = nil,
        snapshotP99Microseconds: Double? = nil
    ) {
        self.p50Microseconds = p50Microseconds
        self.p99Microseconds = p99Microseconds
        self.snapshotP50Microseconds = snapshotP50Microseconds
        self.snapshotP99Microseconds = snapshotP99Microseconds
    }
}

/// The JSON that `bench-etcd-client put`, and Go's `put`, print.
public struct PutReport: Codable, Sendable {
    /// How long the puts took altogether.
    public var seconds: Double

    /// The CPU time that the client took for them.
    public var cpuSeconds: Double

    /// The median time of a put, in microseconds.
    public var p50Microseconds: Double

    /// The 99th percentile of the time of a put, in microseconds.
    public var p99Microseconds: Double

    /// Creates a report.
    public init(seconds: Double, cpuSeconds: Double, p50Microseconds: Double, p99Microseconds: Double) {
        self.seconds = seconds
        self.cpuSeconds = cpuSeconds
        self.p50Microseconds = p50Microseconds
        self.p99Microseconds = p99Microseconds
    }
}
