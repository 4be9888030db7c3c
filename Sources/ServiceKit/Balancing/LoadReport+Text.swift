// The report in the header `endpoint-load-metrics` of HTTP: `TEXT rps_fractional=12.5, named_metrics.rif=3`.
extension LoadReport {
    /// The name of the header that has the report as text.
    public static let header = "endpoint-load-metrics"
    /// The name of the header by which a request asks for the report over HTTP: `text` for ``header``, `bin` for ``trailer``.
    public static let formatHeader = "endpoint-load-metrics-format"

    package static let textFormat = "text"
    package static let binaryFormat = "bin"

    private static let prefix = "TEXT "
    /// A longer text is not read.
    private static let maximumTextBytes = 4096

    /// The report as text.
    public var text: String {
        let values = [
            ("cpu_utilization", processorUtilization), ("rps_fractional", rate), ("eps", failureRate),
            ("named_metrics.rif", requestsInFlight), ("named_metrics.latency", latency.map { $0 / 1e9 }),
            ("application_utilization", utilization),
        ]
        return Self.prefix + values.compactMap { name, value in value.map { "\(name)=\($0)" } }.joined(separator: ", ")
    }

    /// Reads a text; `nil` for one that is none, or longer than 4096 bytes. Metrics that are not used are passed over.
    public init?(text: String) {
        guard text.utf8.count <= Self.maximumTextBytes, text.hasPrefix(Self.prefix) else { return nil }
        for item in text.dropFirst(Self.prefix.count).split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            let name = parts[0].drop { $0 == " " }
            guard let number = Double(parts[1].filter { $0 != " " }) else { return nil }
            switch name {
            case "cpu_utilization": processorUtilization = Self.checked(number, atMost: 100)
            case "rps_fractional": rate = Self.checked(number, atMost: 1e12)
            case "eps": failureRate = Self.checked(number, atMost: 1e12)
            case "named_metrics.rif": requestsInFlight = Self.checked(number, atMost: 1e6)
            case "named_metrics.latency": latency = Self.checked(number, atMost: 3600).map { $0 * 1e9 }
            case "application_utilization": utilization = Self.checked(number, atMost: 100)
            default: break
            }
        }
    }
}
