import BenchmarkHarness
import BenchmarkSupport
import EtcdClient

/// The instances of a service in etcd, written as go-kratos writes them.
struct Population: Sendable {
    private let client: EtcdClient
    private let count: Int
    private let lease: LeaseID

    /// How many instances are written in one transaction; etcd takes 128 by default.
    private static let batch = 100

    /// The time from one change to the next: so much that a watcher is done with each before the next one comes, and
    /// none is dealt with together with others.
    private static let pace = Duration.milliseconds(4)

    /// Writes them, all by one lease, which outlasts the measurement.
    ///
    /// - Throws: ``MeasurementError`` if they are not there then; what the client throws.
    init(of count: Int, in client: EtcdClient) async throws {
        self.client = client
        self.count = count
        self.lease = try await client.grantLease(ttl: .seconds(3600)).id
        for start in stride(from: 0, to: count, by: Self.batch) {
            let numbers = start..<min(start + Self.batch, count)
            let lease = self.lease
            _ = try await client.commit(
                Transaction(
                    then: numbers.map { number in
                        let instance = BenchmarkInstance(number: number)
                        return .put(instance.key, instance.json, lease: lease)
                    }
                )
            )
        }
        let written = try await client.count(.prefix(BenchmarkInstance.prefix))
        guard written == count else {
            throw MeasurementError(description: "\(written) instances are in etcd, not \(count)")
        }
    }

    /// Changes one instance after the other.
    func change(times: Int) async throws {
        for change in 1...times {
            let instance = BenchmarkInstance.changed(by: change, among: self.count)
            try await self.client.put(instance.key, instance.json, lease: self.lease)
            try await Task.sleep(for: Self.pace)
        }
    }
}
