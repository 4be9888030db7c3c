/// An instance of the service in the benchmarks of the registry, as go-kratos would register it.
public struct BenchmarkInstance: Sendable {
    /// The service's name.
    public static let service = "user-service"

    /// The start of its instances' keys in the layout of go-kratos.
    public static let prefix = "/microservices/\(Self.service)/"

    /// The instance's number, from 0.
    public var number: Int

    /// The number of the last change of this instance; 0 for an instance that has not changed.
    public var change: Int

    /// Describes an instance.
    public init(number: Int, change: Int = 0) {
        self.number = number
        self.change = change
    }

    /// A UUID, as go-kratos gives every instance one.
    public var id: String {
        let digits = String(self.number, radix: 16)
        return "7c9f0c2e-a4a1-11ef-9a3d-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// The version of its software.
    public var version: String { "v1.4.2" }

    /// Two labels. The label `change` is the number of the last change.
    public var metadata: [String: String] { ["change": "\(self.change)", "zone": "eu-central-1a"] }

    /// Two endpoints, on a host of its own.
    public var endpoints: [(scheme: String, host: String, port: Int)] {
        let host = "10.\(self.number >> 16 & 0xff).\(self.number >> 8 & 0xff).\(self.number & 0xff)"
        return [("grpc", host, 9000), ("http", host, 8000)]
    }

    /// Its key in the layout of go-kratos.
    public var key: String { Self.prefix + self.id }

    /// Its value as go-kratos writes it: `json.Marshal` of its struct, whose maps are sorted.
    public var json: String {
        let metadata = self.metadata.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }
        let endpoints = self.endpoints.map { #""\#($0.scheme)://\#($0.host):\#($0.port)""# }
        return #"{"id":"\#(self.id)","name":"\#(Self.service)","version":"\#(self.version)","#
            + #""metadata":{\#(metadata.joined(separator: ","))},"endpoints":[\#(endpoints.joined(separator: ","))]}"#
    }

    /// The instance after a change: changes are spread over all instances, and every instance has its turn.
    public static func changed(by change: Int, among instances: Int) -> BenchmarkInstance {
        BenchmarkInstance(number: change * 7919 % instances, change: change)
    }

    /// All instances after a number of changes.
    public static func all(_ instances: Int, after changes: Int = 0) -> [BenchmarkInstance] {
        var all = (0..<instances).map { BenchmarkInstance(number: $0) }
        for change in 0..<changes {
            let changed = Self.changed(by: change + 1, among: instances)
            all[changed.number] = changed
        }
        return all
    }
}
