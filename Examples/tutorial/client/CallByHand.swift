import EtcdClient
import GRPCCore
import GRPCNghttp2Transport
import SwiftProtobuf
import TutorialAPI
import TutorialRegistry

extension Client {
    /// Calls the service by the addresses of a `ServiceDiscovery`, one call after the other.
    static func callByHand(_ calls: Int, etcd: String) async throws {
        try await EtcdClient.withClient(EtcdConfig(endpoints: [etcd])) { client in
            let discovery = ServiceDiscovery(client, service: "user-service")
            let revision = try await discovery.list()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await discovery.watch(from: revision + 1) }
                group.addTask {
                    for _ in 0..<calls {
                        await callNext(of: discovery)
                        try await Task.sleep(for: .milliseconds(200))
                    }
                }
                // The first to end: the calls, or the discovery by an error.
                _ = try await group.next()
                group.cancelAll()
            }
        }
    }

    private static func callNext(of discovery: ServiceDiscovery) async {
        guard let address = discovery.next() else {
            say("no instance")
            return
        }
        // A connection for each call: enough for a tutorial, and too slow for anything else.
        let transport = Nghttp2ClientTransport(target: .ipv4(host: address.host, port: address.port))
        do {
            let user = try await withGRPCClient(transport: transport) { client in
                try await Tutorial_V1_UserService.Client(wrapping: client).getUser(.with { $0.id = 1 })
            }
            say("\(user.name), answered by \(user.answeredBy)")
        } catch {
            say("127.0.0.1:\(address.port) failed")
        }
    }
}
