import Metrics
import MetricsTestKit

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The metrics of this process; all tests share them.
enum RecordedMetrics {
    private static let metrics: TestMetrics = {
        let metrics = TestMetrics()
        MetricsSystem.bootstrap(metrics)
        return metrics
    }()

    /// Records the metrics that are made from now on.
    static func record() {
        _ = metrics
    }

    /// The number of times that servers have hit a bound.
    static func serverHits(_ limit: Limit) -> Int64 {
        metrics.counterTotal(
            label: LimitReporter.counter, dimensions: [("side", "server"), ("limit", limit.rawValue)]
        )
    }
}
