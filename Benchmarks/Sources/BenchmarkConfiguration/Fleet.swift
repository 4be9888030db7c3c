/// A configuration of typical size and form: many services, each with a section.
public struct Fleet: Codable, Equatable, Sendable {
    /// One service.
    public struct Service: Codable, Equatable, Sendable {
        public var host = ""
        public var port = 0
        public var weight = 1.0
        public var enabled = true
        public var tags: [String] = []
        public var labels: [String: String] = [:]
        public var retry = Retry()
        public var endpoints: [Endpoint] = []
        public var note: String?

        public init() {}
    }

    /// How a service's calls are repeated.
    public struct Retry: Codable, Equatable, Sendable {
        public var attempts = 1
        public var backoff = 0.1
        public var codes: [Int] = []

        public init() {}
    }

    /// An address of a service.
    public struct Endpoint: Codable, Equatable, Sendable {
        public var zone = ""
        public var address = ""

        public init() {}
    }

    public var name = ""
    public var services: [String: Service] = [:]

    public init() {}

    /// The largest document that the kit reads.
    public static let documentBytes = 1 << 20

    /// The YAML of as many services as fit in a document, with comments, quotes and blocks as people write them.
    public static var document: String {
        var yaml = "# The fleet of the benchmark.\nname: fleet\nservices:\n"
        var number = 0
        while true {
            let section = Self.section(number)
            if yaml.utf8.count + section.utf8.count > self.documentBytes { return yaml }
            yaml += section
            number += 1
        }
    }

    private static func section(_ number: Int) -> String {
        """
          # Owned by team \(number % 17); ask before you change it.
          service-\(number):
            host: service-\(number).production.example.internal
            port: \(8000 + number % 1000)
            weight: \(Double(number % 7) + 0.5)
            enabled: \(number % 3 != 0)
            tags: [blue, "tier \(number % 4)", eu-west-1]
            labels:
              team: 'team \(number % 17)'
              version: v1.\(number % 9).0 # as deployed
            retry: {attempts: \(1 + number % 5), backoff: 0.25, codes: [4, 8, 14]}
            endpoints:
              - zone: eu-west-1a
                address: 10.0.\(number / 256 % 256).\(number % 256):9000
              - zone: eu-west-1b
                address: 10.1.\(number / 256 % 256).\(number % 256):9000
            note: >-
              Serves the part \(number) of the catalogue;
              its caches are warm after a minute.

        """
    }
}

/// The work of one process: a document that was parsed and decoded again and again.
public struct DecodingReport: Codable, Sendable {
    /// The number of services in each result.
    public var services: Int
    /// The text of one service, so that both sides are known to read the same.
    public var sample: String
    /// The CPU time of one time, in milliseconds.
    public var milliseconds: Double

    /// Parses and decodes the document again and again, and measures.
    ///
    /// - Parameters:
    ///   - repetitions: How often; the first two are a warm-up and do not count.
    ///   - cpuSeconds: Reads the process's CPU time.
    ///   - decode: Parses and decodes the document.
    public init(repetitions: Int, cpuSeconds: () throws -> Double, decode: (String) throws -> Fleet) throws {
        let document = Fleet.document
        var fleet = Fleet()
        for _ in 0..<2 { fleet = try decode(document) }
        let start = try cpuSeconds()
        for _ in 0..<repetitions { fleet = try decode(document) }
        milliseconds = (try cpuSeconds() - start) / Double(repetitions) * 1000
        services = fleet.services.count
        sample = fleet.services["service-7"].map { Self.text($0) } ?? ""
    }

    private static func text(_ service: Fleet.Service) -> String {
        let labels = service.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return "\(service.host) \(service.port) \(service.weight) \(service.enabled) \(service.tags) \(labels) "
            + "\(service.retry.attempts) \(service.retry.backoff) \(service.retry.codes) "
            + "\(service.endpoints.map(\.address)) \(service.note ?? "")"
    }
}

/// The observers that woke during reloads, each of which changed one section.
public struct WakeReport: Codable, Sendable {
    public var reloads: Int
    public var wakes: Int

    public init(reloads: Int, wakes: Int) {
        self.reloads = reloads
        self.wakes = wakes
    }
}
