import EtcdClient
import ServiceKitTesting
import Testing
import TutorialRegistry

/// The registry and the discovery that the tutorial writes by hand.
@Suite(.enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(1)))
struct TutorialTests {
    private let node = Instance(service: "user", id: "node-1", address: Address(host: "10.0.0.1", port: 8080))

    private func withClient(_ body: @escaping @Sendable (EtcdClient) async throws -> Void) async throws {
        try await EtcdServer.withServer { etcd in
            let endpoints = try etcd.endpoints.map { try EtcdEndpoint($0) }
            try await EtcdClient.withClient(EtcdConfig(endpoints: endpoints), body)
        }
    }

    @Test func instanceIsFoundFromItsRegistrationToItsEnd() async throws {
        try await withClient { client in
            let registry = ServiceRegistry(client)
            let discovery = ServiceDiscovery(client, service: "user")
            let revision = try await discovery.list()
            #expect(discovery.next() == nil)
            // A service whose name begins in the same way, and a value that is no address, change nothing.
            try await client.put("/services/user-admin/a", #"{"host":"10.0.0.9","port":1}"#)
            try await client.put("/services/user/bad", "{}")

            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await discovery.watch(from: revision + 1) }
                try await registry.withRegistration(of: node) {
                    while discovery.addresses.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                    let entry = try await client.get("/services/user/node-1")
                    #expect(entry?.valueText == #"{"host":"10.0.0.1","port":8080}"#)
                    #expect(entry?.lease != nil)
                    #expect(discovery.next() == node.address)
                }
                while !discovery.addresses.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                group.cancelAll()
            }
            #expect(try await client.get("/services/user/node-1") == nil)
            #expect(try await client.leaseIDs().isEmpty)
        }
    }

    @Test func addressesAreHandedOutInTurn() async throws {
        try await withClient { client in
            for port in 1...3 {
                try await client.put("/services/user/node-\(port)", #"{"host":"10.0.0.1","port":\#(port)}"#)
            }
            let discovery = ServiceDiscovery(client, service: "user")
            _ = try await discovery.list()
            #expect((0..<6).map { _ in discovery.next()?.port } == [1, 2, 3, 1, 2, 3])
        }
    }

    @Test func lostLeaseEndsTheBody() async throws {
        try await withClient { client in
            await #expect(throws: EtcdError.self) {
                try await ServiceRegistry(client, ttl: .seconds(1)).withRegistration(of: node) {
                    for lease in try await client.leaseIDs() { try await client.revokeLease(lease) }
                    try await Task.sleep(for: .seconds(60))
                }
            }
        }
    }
}
