/// Counts refused calls for a log that has a line for each ten seconds of them: a line for each call would cost more than to
/// serve it.
struct Refusals: Sendable {
    private static let interval: UInt64 = 10_000_000_000

    private var count = 0
    private var reportedAt: UInt64 = 0

    /// A call is refused.
    ///
    /// - Parameter now: The time, in nanoseconds from any origin, not 0.
    /// - Returns: The calls that were refused since the last report, if it is time for another.
    mutating func add(at now: UInt64) -> Int? {
        count += 1
        guard reportedAt == 0 || now >= reportedAt + Self.interval else { return nil }
        defer {
            count = 0
            reportedAt = now
        }
        return count
    }
}

/// The services of operators: what helps to find out why calls are refused is not refused itself.
enum OperatorService {
    /// Whether an operation is one of theirs. Health has no middleware, and is not asked for.
    static func has(_ operation: String) -> Bool {
        let prefix: StaticString = "/grpc.reflection."
        var operation = operation
        // Each refused call asks. Most names differ in the first letters.
        return operation.withUTF8 { name in
            guard name.count >= prefix.utf8CodeUnitCount else { return false }
            for index in 0..<prefix.utf8CodeUnitCount where name[index] != prefix.utf8Start[index] { return false }
            return true
        }
    }
}
