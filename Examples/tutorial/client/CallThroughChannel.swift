import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitGRPC
import SwiftProtobuf
import TutorialAPI

extension Client {
    /// Calls the service by its name, one call after the other.
    static func callThroughChannel(_ calls: Int, etcd: String) async throws {
        let configuration = try Configuration(
            yaml: """
                registry:
                  etcd:
                    endpoints: ["\(etcd)"]
                    layout: host-port # /services/user-service/node-1 → {"host":"10.0.0.1","port":8080}
                client:
                  balancer: round_robin
                """
        )
        let channel = try ServiceChannel(to: "etcd:///user-service", configuration: configuration, plugins: [.etcd])
        try await channel.withConnections {
            let users = Tutorial_V1_UserService.Stub(channel)
            for _ in 0..<calls {
                do {
                    let user = try await users.getUser(.with { $0.id = 1 })
                    say("\(user.name), answered by \(user.answeredBy)")
                } catch let error as RPCError {
                    say("failed: \(error.code)")
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
