import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// Three members, one of which hangs: it keeps its connections, and the client has to detect it.
///
/// A suite beside ``ClusterTests``, so that the waits of both run at the same time. Each has one cluster at a time.
@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(5)))
struct HangingMemberTests {
    @Test(arguments: EtcdVersion.all)
    func unansweredPingMovesStreamsAndCallsToAnotherMember(version: EtcdVersion) async throws {
        // One ping a second. etcd allows this only with an option.
        try await version.withCluster {
            $0.extraArguments = ["--grpc-keepalive-min-time=500ms"]
        } _: { server in
            let hanging = try await server.leader()
            try await server.withObservedClient(first: hanging) {
                $0.requestTimeout = .seconds(10)
                $0.keepaliveTime = .seconds(1)
                $0.keepaliveTimeout = .seconds(3)
            } _: { client, wire in
                var watch = client.watch(.key("k")).makeAsyncIterator()
                try await watch.connected()
                let lease = try await client.grantHardyLease()
                var renewals = client.keepAlive(lease).makeAsyncIterator()
                _ = try await renewals.next()
                try server.suspend(hanging)
                _ = try await server.leader()
                // Within the time of one call, since a member that hangs gets half of it.
                #expect(try await client.get("k") == nil)
                try await client.put("k", "1")
                #expect(try await watch.events().map(\.summary) == ["put k=1"])
                _ = try await renewals.next()
                _ = try await renewals.next()
                // The client does not keep trying it. (On a busy machine another election may end a stream.)
                #expect((2..<10).contains(wire.count("Watch")))
                try server.resume(hanging)
                try await client.put("k", "2")
                #expect(try await watch.events().map(\.summary) == ["put k=2"])
            }
        }
    }

    /// Without pings, the client gives a stream up when an answer is missing.
    @Test(arguments: EtcdVersion.all)
    func missingAnswersMoveStreamsToAnotherMember(version: EtcdVersion) async throws {
        try await version.withCluster { server in
            let hanging = try await server.leader()
            @Sendable func withClient(_ body: @Sendable (EtcdClient) async throws -> Void) async throws {
                try await server.withObservedClient(first: hanging) {
                    $0.requestTimeout = .seconds(5)
                    $0.keepaliveTime = .seconds(3600)
                } _: { client, _ in
                    try await body(client)
                }
            }
            try await withClient { watching in
                try await withClient { renewing in
                    _ = try await watching.get("k")
                    let lease = try await renewing.grantHardyLease()
                    var renewals = renewing.keepAlive(lease).makeAsyncIterator()
                    _ = try await renewals.next()
                    try server.suspend(hanging)
                    _ = try await server.leader()
                    var watch = watching.watch(.key("k")).makeAsyncIterator()
                    try await watch.connected()
                    _ = try await renewals.next()
                    _ = try await renewals.next()
                    try server.resume(hanging)
                }
            }
        }
    }
}
