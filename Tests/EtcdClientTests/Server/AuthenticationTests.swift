import GRPCNghttp2Transport
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

/// User names, passwords, tokens and permissions.
@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct AuthenticationTests {
    private static let ada = EtcdConfig.Credentials(username: "ada", password: "lovelace")

    /// Runs a body with a server and a user Ada, who may read and write below `ada/`.
    private func withServer(
        _ version: EtcdVersion,
        _ configure: (inout EtcdServer.Options) -> Void = { _ in },
        _ body: @Sendable (EtcdServer) async throws -> Void
    ) async throws {
        try await version.withServer(configure) { server in
            try await server.etcdctl("put", "secret", "of root")
            try await server.addUser("ada", password: "lovelace", prefix: "ada/")
            try await server.enableAuth()
            try await body(server)
        }
    }

    @Test(arguments: EtcdVersion.all)
    func userHasTheRightsOfItsRole(version: EtcdVersion) async throws {
        try await withServer(version) { server in
            try await server.withClient {
                $0.credentials = Self.ada
            } _: { client in
                try await client.put("ada/a", "1")
                #expect(try await client.list(.prefix("ada/")).entries.map(\.valueText) == ["1"])
                var watch = client.watch(.prefix("ada/")).makeAsyncIterator()
                try await watch.connected()
                try await client.withSession { session in
                    try await session.withLock("ada/lock") { _ in _ = try await client.put("ada/a", "2") }
                }
                #expect(try await watch.events(3).map(\.kind) == [.put, .put, .delete])

                for operation in [
                    { _ = try await client.get("secret") },
                    { try await client.put("secret", "") },
                    { try await client.delete("secret") },
                    { _ = try await client.commit(Transaction(then: [.put("secret", "")])) },
                    { _ = try await client.list(.all) },
                ] as [() async throws -> Void] {
                    await expectFailure(.permissionDenied) { try await operation() }
                }
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func clientWithoutCredentialsIsRefused(version: EtcdVersion) async throws {
        try await withServer(version) { server in
            try await server.withClient { client in
                let failure = await expectFailure { _ = try await client.get("ada/a") }
                #expect(failure?.code == .unauthenticated)
                #expect(failure?.message.contains("user name is empty") == true)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func wrongPasswordIsRefused(version: EtcdVersion) async throws {
        try await withServer(version) { server in
            for credentials in [
                EtcdConfig.Credentials(username: "ada", password: "wrong"),
                EtcdConfig.Credentials(username: "nobody", password: "lovelace"),
            ] {
                try await server.withClient {
                    $0.credentials = credentials
                } _: { client in
                    let start = ContinuousClock.now
                    let failure = await expectFailure { _ = try await client.get("ada/a") }
                    #expect(failure?.code == .unauthenticated)
                    #expect(failure?.message.contains("Authenticate as \"\(credentials.username)\"") == true)
                    #expect(failure?.message.contains(credentials.password) == false)
                    #expect(start.duration(to: .now) < .seconds(20))
                }
            }
        }
    }

    /// Watches from the next revision, and from revision 1. For the second, the client first verifies the store.
    @Test(arguments: EtcdVersion.all, [nil, 1] as [Revision?])
    func deniedWatchEndsAndHarmsNoOther(version: EtcdVersion, revision: Revision?) async throws {
        try await withServer(version) { server in
            try await server.withClient {
                $0.credentials = Self.ada
            } _: { client in
                var good = client.watch(.prefix("ada/")).makeAsyncIterator()
                try await good.connected()
                var bad = client.watch(.key("secret"), .with { $0.from = revision }).makeAsyncIterator()
                #expect(try await bad.end().code == .permissionDenied)
                try await client.put("ada/a", "1")
                #expect(try await good.events().map(\.summary) == ["put ada/a=1"])
                #expect(client.hub.count == 1)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func deniedWatchEndsWhenItIsTheOnlyOne(version: EtcdVersion) async throws {
        try await withServer(version) { server in
            try await server.withClient {
                $0.credentials = Self.ada
            } _: { client in
                var watch = client.watch(.key("secret"), .with { $0.from = 1 }).makeAsyncIterator()
                let failure = try await watch.end()
                #expect(failure.code == .permissionDenied)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func restartThatForgetsTokensIsTransparent(version: EtcdVersion) async throws {
        try await withServer(version) { server in
            try await server.withObservedClient {
                $0.credentials = Self.ada
            } _: { client, wire in
                let lease = try await client.grantHardyLease()
                var renewals = client.keepAlive(lease).makeAsyncIterator()
                _ = try await renewals.next()
                var watch = client.watch(.prefix("ada/")).makeAsyncIterator()
                try await watch.connected()
                try await client.put("ada/a", "1")
                _ = try await watch.events()
                #expect(wire.count("Authenticate") == 1)
                try await server.kill()
                try await server.start()
                try await server.waitUntilReady()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<20 {
                        group.addTask { _ = try await client.get("ada/\(number)") }
                    }
                    try await group.waitForAll()
                }
                try await watch.connected()
                try await client.put("ada/b", "2")
                #expect(try await watch.events().map(\.summary) == ["put ada/b=2"])
                _ = try await renewals.next()
                _ = try await renewals.next()
                // At most a few times for all calls together. (On a busy machine an attempt may fail.)
                #expect(wire.count("Authenticate") < 10)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func forgottenTokenIsRenewedOnceForAllCalls(version: EtcdVersion) async throws {
        try await withServer(version) { server in
            try await server.withObservedClient {
                $0.credentials = Self.ada
            } _: { client, wire in
                try await client.put("ada/a", "1")
                try await server.etcdctl("auth", "disable")
                try await server.etcdctl("auth", "enable")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<20 {
                        group.addTask { try await client.put("ada/\(number)", "") }
                    }
                    try await group.waitForAll()
                }
                #expect(wire.count("Authenticate") == 2)
            }
        }
    }

    /// The first user of the new token is a stream, or a call to one member.
    @Test(arguments: EtcdVersion.all)
    func anyKindOfCallRenewsARefusedToken(version: EtcdVersion) async throws {
        try await withServer(version) { server in
            let root = EtcdConfig.Credentials(username: "root", password: "root")
            try await server.withObservedClient {
                $0.credentials = root
            } _: { client, wire in
                var watch = client.watch(.prefix("ada/")).makeAsyncIterator()
                try await watch.connected()
                try await server.kill()
                try await server.start()
                _ = try await watch.interrupted()
                try await watch.connected()
                try await server.etcdctl("put", "ada/a", "1")
                #expect(try await watch.events().map(\.summary) == ["put ada/a=1"])

                try await server.kill()
                try await server.start()
                try await server.waitUntilReady()
                // The client does not retry a call to a given member while it has no connection.
                try await eventually {
                    do throws(EtcdError) {
                        try await client.defragment(client.endpoints[0])
                        return true
                    } catch {
                        guard error.code == .unavailable else { throw error }
                        return false
                    }
                }
                _ = try await client.status(of: client.endpoints[0])
            }
        }
    }

    /// A watch may be created on a stream whose token has expired meanwhile.
    @Test(arguments: EtcdVersion.all)
    func tokensThatExpireAreRenewed(version: EtcdVersion) async throws {
        try await TestCertificates.with { files in
            let keys = "pub-key=\(files.path("token.pub")),priv-key=\(files.path("token.key"))"
            try await withServer(version) {
                $0.authToken = "jwt,\(keys),sign-method=RS256,ttl=3s"
            } _: { server in
                try await server.withObservedClient {
                    $0.credentials = Self.ada
                } _: { client, wire in
                    var first = client.watch(.prefix("ada/")).makeAsyncIterator()
                    try await first.connected()
                    var number = 0
                    while wire.count("Authenticate") < 3 {
                        number += 1
                        try await client.put("ada/a", "\(number)")
                        _ = try await client.get("ada/a")
                    }
                    #expect(try await first.events(number).map(\.entry.valueText) == (1...number).map { "\($0)" })
                    // By now the stream's token has expired.
                    let renewals = wire.count("Authenticate")
                    var second = client.watch(.prefix("ada/")).makeAsyncIterator()
                    try await second.connected()
                    try await client.put("ada/b", "last")
                    #expect(try await second.events().map(\.summary) == ["put ada/b=last"])
                    #expect(try await first.events().map(\.summary) == ["put ada/b=last"])
                    // On a busy machine this takes longer, and needs a few more tokens.
                    #expect(wire.count("Authenticate") <= renewals + 10)
                }
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func credentialsDoNoHarmWhereNobodyAsks(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient {
                $0.credentials = Self.ada
            } _: { client in
                try await client.put("k", "1")
                var watch = client.watch(.key("k")).makeAsyncIterator()
                try await watch.connected()
                // Authentication may also be turned on later.
                try await server.addUser("ada", password: "lovelace", prefix: "k")
                try await server.enableAuth()
                try await client.put("k", "2")
                #expect(try await watch.events().map(\.entry.valueText) == ["2"])
            }
        }
    }
}
