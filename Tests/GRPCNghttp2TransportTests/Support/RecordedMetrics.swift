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

    /// Has metrics that are made from now on recorded.
    static func record() {
        _ = self.metrics
    }

    /// How often a bound has bitten on servers.
    static func serverHits(_ limit: Limit) -> Int64 {
        self.metrics.counterTotal(
            label: LimitReporter.counter, dimensions: [("side", "server"), ("limit", limit.rawValue)]
        )
    }
}
