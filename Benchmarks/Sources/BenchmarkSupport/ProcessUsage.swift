import Glibc

/// The kernel's counters of a process of this user, this process or another. Linux only.
public struct ProcessUsage: Sendable {
    /// The process's id.
    public let processID: Int32

    /// The usage of the process with this id.
    public init(processID: Int32) {
        self.processID = processID
    }

    /// The usage of this process.
    public static var current: Self { Self(processID: getpid()) }

    /// The CPU time in seconds, of user and system, of all its threads, including those that have ended.
    ///
    /// It is the process's CPU-time clock (POSIX `clock_getcpuclockid`). That clock counts the same time as
    /// `getrusage`, in nanoseconds, and can be read from outside, so that every process is measured in the same way.
    ///
    /// - Throws: ``UsageError`` if there is no such process.
    public var cpuSeconds: Double {
        get throws {
            var clock = clockid_t()
            var time = timespec()
            guard clock_getcpuclockid(self.processID, &clock) == 0, clock_gettime(clock, &time) == 0 else {
                throw UsageError(what: "CPU time", processID: self.processID)
            }
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
    }

    /// The resident memory, in KiB.
    ///
    /// - Throws: ``UsageError`` if there is no such process.
    public var residentKiB: Int {
        get throws { try self.memory.residentKiB }
    }

    /// The resident memory that is not a file's, in KiB.
    ///
    /// - Throws: ``UsageError`` if there is no such process.
    public var anonymousKiB: Int {
        get throws { try self.memory.anonymousKiB }
    }

    /// The resident memory once it has not changed for half a second, or after five, in KiB.
    ///
    /// - Throws: ``UsageError`` if there is no such process.
    public func settledKiB() async throws -> Int {
        var last = try self.residentKiB
        var unchanged = 0
        for _ in 0..<50 where unchanged < 5 {
            try await Task.sleep(for: .milliseconds(100))
            let now = try self.residentKiB
            unchanged = now == last ? unchanged + 1 : 0
            last = now
        }
        return last
    }

    /// Reads `statm` of proc(5): sizes in pages. The second is all resident memory, the third the part of it that is
    /// files'.
    private var memory: (residentKiB: Int, anonymousKiB: Int) {
        get throws {
            guard
                let file = fopen("/proc/\(self.processID)/statm", "r"),
                case var line = [CChar](repeating: 0, count: 256),
                case let read = fgets(&line, CInt(line.count), file) != nil,
                fclose(file) == 0, read,
                case let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self),
                case let pages = text.split(separator: " ").compactMap({ Int($0) }),
                pages.count > 2
            else {
                throw UsageError(what: "resident memory", processID: self.processID)
            }
            let pageKiB = sysconf(Int32(_SC_PAGESIZE)) / 1024
            return (pages[1] * pageKiB, (pages[1] - pages[2]) * pageKiB)
        }
    }
}

/// An error: the usage of a process could not be read.
public struct UsageError: Error, CustomStringConvertible {
    /// The counter that could not be read.
    public let what: String

    /// The process's id.
    public let processID: Int32

    /// Names the counter and the process.
    public var description: String { "cannot read the \(self.what) of process \(self.processID): it has ended" }
}
