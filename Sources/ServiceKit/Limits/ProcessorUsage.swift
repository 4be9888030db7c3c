private import Glibc
private import FoundationEssentials

/// How busy the process keeps the processors that it may use: 1 is all of them.
///
/// A sample each 500 ms, of which the mean keeps 0.95 of the past, as in go-kratos. The share is that of this process, and of
/// the processors that the quota of its control group allows: other tenants of the machine do not count.
package struct ProcessorUsage: Sendable {
    private static let interval: UInt64 = 500_000_000
    private static let memory = 0.95

    /// How many processors the process may use.
    let processors: Double
    /// The period of the quota of its control group, in nanoseconds; `nil` if there is none.
    let quotaPeriod: Double?
    /// The processor time that the process has used, in nanoseconds.
    let used: @Sendable () -> UInt64
    private(set) var value = 0.0
    private var last: (time: UInt64, used: UInt64)?

    /// - Parameters:
    ///   - processors: How many processors the process may use.
    ///   - quotaPeriod: The period of the quota that says so, in nanoseconds; `nil` if there is none.
    ///   - used: The processor time that it has used, in nanoseconds.
    package init(
        processors: Double, quotaPeriod: Double? = nil,
        used: @escaping @Sendable () -> UInt64 = { Self.processTime }
    ) {
        self.processors = processors
        self.quotaPeriod = quotaPeriod
        self.used = used
    }

    /// The usage of this process.
    package init() {
        self.init(processors: Self.available, quotaPeriod: Self.quota?.period)
    }

    /// Takes a sample, if it is time for one.
    ///
    /// - Parameter now: The time, in nanoseconds.
    mutating func sample(at now: UInt64) {
        guard let last else {
            last = (now, used())
            return
        }
        guard now >= last.time + Self.interval else { return }
        let used = used()
        let share = Double(used &- last.used) / Double(now - last.time) / processors
        // A process that had no calls for a while had no samples either.
        let weight = pow(Self.memory, Double((now - last.time) / Self.interval))
        value = value * weight + min(share, 1) * (1 - weight)
        self.last = (now, used)
    }

    /// The processor time that this process has used, in nanoseconds.
    package static var processTime: UInt64 {
        // Linux counts it in microseconds.
        UInt64(max(0, clock())) * 1000
    }

    /// The processors that this process may use.
    package static var available: Double {
        let processors = Double(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        return quota.map { min(processors, $0.processors) } ?? processors
    }

    /// The quota of this process's control group, with its period in nanoseconds; `nil` if there is none.
    private static var quota: (processors: Double, period: Double)? {
        (try? String(contentsOfFile: "/sys/fs/cgroup/cpu.max", encoding: .utf8)).flatMap(quota)
    }

    /// Reads "200000 100000": microseconds of processor time in each so many microseconds; "max 100000" is no quota.
    static func quota(_ text: String) -> (processors: Double, period: Double)? {
        let parts = text.split { $0.isWhitespace }
        guard parts.count == 2, let time = Double(parts[0]), let period = Double(parts[1]), period > 0, time > 0
        else { return nil }
        return (time / period, period * 1000)
    }
}
