import BenchmarkSupport
import GRPCCore
import Histogram

/// Calls from a number of tasks at once.
struct CallRun: Sendable {
    let callers: Int
    /// Calls a second, all together. Each is due at its own time, even if the call before it is late.
    let rate: Double?
    let duration: Duration

    /// The times of the calls.
    struct Result: CustomStringConvertible {
        let calls: Int
        let latencies: Histogram<UInt64>

        var p99: Double { Double(latencies.valueAtPercentile(99)) / 1000 }

        var description: String {
            let values = [50, 99, 99.9, 100].map { percentile in
                "p\(percentile) \(Double(latencies.valueAtPercentile(percentile)) / 1000) µs"
            }
            return "\(calls) calls, " + values.joined(separator: ", ")
        }
    }

    /// Makes calls until the time is over.
    func run(_ client: GRPCClient<some ClientTransport>, for duration: Duration? = nil) async throws -> Result {
        let start = ContinuousClock.now
        let end = start + (duration ?? self.duration)
        let latencies = try await withThrowingTaskGroup(of: Histogram<UInt64>.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    var latencies = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
                    let message = [UInt8](repeating: 1, count: 100)
                    var number = caller
                    while .now < end {
                        if let rate {
                            try await Task.sleep(until: start + .seconds(Double(number) / rate), tolerance: .zero)
                            number += callers
                        }
                        let begin = ContinuousClock.now
                        let answer = try await client.unary(
                            request: ClientRequest(message: message),
                            descriptor: BenchmarkMethod.echo,
                            serializer: RawBytesSerializer(),
                            deserializer: RawBytesDeserializer(),
                            options: .defaults
                        ) { try $0.message }
                        guard answer == message else { throw RPCError(code: .dataLoss, message: "a wrong answer") }
                        latencies.record(UInt64(begin.duration(to: .now) / .nanoseconds(1)))
                    }
                    return latencies
                }
            }
            var all = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
            for try await latencies in group { all.add(latencies) }
            return all
        }
        return Result(calls: Int(latencies.totalCount), latencies: latencies)
    }
}
