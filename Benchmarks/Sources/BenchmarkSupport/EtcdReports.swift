/// What `bench-etcd-client list` prints as JSON.
public struct ListReport: Codable, Sendable {
    /// The CPU time from before the first connection until the list could be used.
    public var cpuSeconds: Double

    /// The time that passed meanwhile.
    public var seconds: Double

    /// Creates a report.
    public init(cpuSeconds: Double, seconds: Double) {
        self.cpuSeconds = cpuSeconds
        self.seconds = seconds
    }
}

/// What `bench-etcd-client hold` prints as JSON.
public struct HoldReport: Codable, Sendable {
    /// Memory of a process, in KiB.
    public struct Memory: Codable, Sendable {
        /// All that is resident.
        public var residentKiB: Int

        /// What of it is not a file's.
        public var anonymousKiB: Int

        /// Creates it.
        public init(residentKiB: Int, anonymousKiB: Int) {
            self.residentKiB = residentKiB
            self.anonymousKiB = anonymousKiB
        }
    }

    /// When a service without instances was watched.
    public var empty: Memory

    /// When the instances were held, too.
    public var full: Memory

    /// Creates a report.
    public init(empty: Memory, full: Memory) {
        self.empty = empty
        self.full = full
    }
}

/// What `bench-etcd-client watch` prints as JSON.
public struct WatchReport: Codable, Sendable {
    /// The CPU time that the changes took.
    public var cpuSeconds: Double

    /// The bytes received for them.
    public var bytes: Int

    /// How many snapshots told of them.
    public var snapshots: Int

    /// Creates a report.
    public init(cpuSeconds: Double, bytes: Int, snapshots: Int) {
        self.cpuSeconds = cpuSeconds
        self.bytes = bytes
        self.snapshots = snapshots
    }
}

/// What `bench-etcd-client keep` prints as JSON.
public struct KeepReport: Codable, Sendable {
    /// How many streams were opened to renew leases.
    public var streams: Int

    /// How long it took to register all.
    public var registeringSeconds: Double

    /// Creates a report.
    public init(streams: Int, registeringSeconds: Double) {
        self.streams = streams
        self.registeringSeconds = registeringSeconds
    }
}

/// What `bench-etcd-client seen` and `seen-put`, and Go's `seen-put`, print as JSON: how long until a watcher knew.
public struct SeenReport: Codable, Sendable {
    /// The median, in microseconds.
    public var p50Microseconds: Double

    /// The 99th percentile, in microseconds.
    public var p99Microseconds: Double

    /// Of registrations, the median until a snapshot had the instance, in microseconds.
    public var snapshotP50Microseconds: Double?

    /// Of registrations, the 99th percentile until a snapshot had the instance, in microseconds.
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

/// What `bench-etcd-client put`, and Go's `put`, print as JSON.
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
