internal import ServiceKit

/// The figures of a scenario, a row for each policy.
public struct SimulationTable: Sendable, CustomStringConvertible {
    private static let columns = [
        "policy", "calls/s", "served %", "critical %", "attempts", "p50 ms", "p99 ms", "p99.9 ms", "queue p99 ms",
        "most %", "watched %",
    ]

    private let title: String
    private var rows: [[String]] = []

    /// Runs a scenario.
    ///
    /// - Parameters:
    ///   - scenario: The scenario.
    ///   - policies: The policies to compare; those of the scenario by default.
    ///   - seed: The random numbers' seed.
    public init(_ scenario: SimulationScenario, policies: [SimulationPolicy]? = nil, seed: UInt64 = 1) {
        title = "\(scenario.name): \(scenario.summary)"
        for policy in policies ?? scenario.policies {
            let result = scenario.run(policy, seed: seed)
            rows.append([policy.name] + Self.figures(result, watched: scenario.watched))
        }
    }

    private static func figures(_ result: SimulationResult, watched: [String]) -> [String] {
        let hasCritical = result.calls.contains { $0.priority == .critical }
        let most = result.attemptsPerServer.values.max() ?? 0
        return [
            result.goodput.text(decimals: 0),
            (result.successRate * 100).text(decimals: 2),
            hasCritical ? (result.successRate(of: .critical) * 100).text(decimals: 2) : "-",
            result.attemptsPerCall.text(decimals: 2),
            milliseconds(result.servedLatency(0.5)),
            milliseconds(result.servedLatency(0.99)),
            milliseconds(result.servedLatency(0.999)),
            milliseconds(result.queueDelay(0.99)),
            (Double(most) / Double(max(1, result.attempts.count)) * 100).text(decimals: 1),
            watched.isEmpty ? "-" : (watched.reduce(0) { $0 + result.share(of: $1) } * 100).text(decimals: 1),
        ]
    }

    private static func milliseconds(_ duration: Duration) -> String {
        (duration / .milliseconds(1)).text(decimals: 1)
    }

    /// The table as text, its columns aligned.
    public var description: String {
        let lines = [Self.columns] + rows
        let widths = Self.columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        let text = lines.map { line in
            zip(line, widths).enumerated().map { index, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + padding : padding + cell.0
            }.joined(separator: "  ")
        }
        return ([title] + text).joined(separator: "\n")
    }
}

extension Double {
    /// The number with some decimals.
    fileprivate func text(decimals: Int) -> String {
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((self * Double(scale)).rounded())
        if decimals == 0 { return String(scaled) }
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
}
