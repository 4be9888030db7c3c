import ServiceKit
import ServiceKitTesting

func instance(_ id: String, of service: String = "user", version: String = "1") -> ServiceInstance {
    ServiceInstance(
        id: id,
        name: service,
        version: version,
        endpoints: [Endpoint(scheme: "grpc", host: "127.0.0.1", port: 9000)]
    )
}

func live(_ instances: ServiceInstance...) -> DiscoverySnapshot {
    DiscoverySnapshot(instances: InstanceSet(instances), state: .live)
}

extension DiscoveryUpdates.AsyncIterator {
    /// The next state that satisfies a condition.
    mutating func next(where condition: (DiscoverySnapshot) -> Bool) async -> DiscoverySnapshot? {
        while let snapshot = await next() {
            if condition(snapshot) { return snapshot }
        }
        return nil
    }
}

extension LogRecorder {
    /// The number of times that a text was logged.
    func count(of message: String) -> Int {
        entries.count { $0.message == message }
    }
}
