import BenchmarkHarness
import BenchmarkSupport
import EtcdClient

/// The instances of a service in etcd, written as go-kratos writes them.
struct Population: Sendable {
    private let client: EtcdClient
    private let count: Int
    private let lease: LeaseID

    /// The number of instances in one transaction; etcd takes 128 by default.
    private static let batch = 100

    /// The time from one change to the next. It is long enough that a watcher has finished each change before the next
    /// one comes, and so handles each alone.
    private static let pace = Duration.milliseconds(4)

    /// Writes the instances by one lease, which outlasts the measurement.
    ///
    /// - Throws: ``MeasurementError`` if they are not in etcd afterwards; any error of the client.
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
