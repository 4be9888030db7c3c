import BenchmarkSupport
import ServiceKit

extension ServiceInstance {
    /// The instance that a watcher has to see.
    init(_ instance: BenchmarkInstance) {
        self.init(
            id: instance.id,
            name: BenchmarkInstance.service,
            version: instance.version,
            metadata: instance.metadata,
            endpoints: instance.endpoints.map { Endpoint(scheme: $0.scheme, host: $0.host, port: $0.port) }
        )
    }
}

extension InstanceSet {
    /// Checks that these instances are there, in this state, and no others.
    ///
    /// - Throws: ``WrongAnswer``.
    func check(_ expected: [BenchmarkInstance]) throws {
        guard self.count == expected.count else {
            throw WrongAnswer(description: "\(self.count) instances were seen, not \(expected.count)")
        }
        for instance in expected where self[instance.id] != ServiceInstance(instance) {
            throw WrongAnswer(
                description: "instance \(instance.number) was not seen as change \(instance.change) left it"
            )
        }
    }
}

extension DiscoveryUpdates.AsyncIterator {
    /// Waits for the registry's first answer on a service.
    ///
    /// - Returns: Its instances.
    /// - Throws: ``WrongAnswer`` if there are not `count` instances; `CancellationError`.
    mutating func first(_ count: Int) async throws -> InstanceSet {
        while let snapshot = await self.next() {
            guard snapshot.state.isLive else { continue }
            guard snapshot.instances.count == count else {
                throw WrongAnswer(description: "\(snapshot.instances.count) instances were listed, not \(count)")
            }
            return snapshot.instances
        }
        throw CancellationError()
    }
}
