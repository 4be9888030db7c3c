import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import EtcdClient

@Suite(.serialized, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
struct MaintenanceTests {
    /// Defragmentation frees the space of compacted revisions.
    @Test(arguments: EtcdVersion.all)
    func defragmentationFreesSpace(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                let value = [UInt8](repeating: 1, count: 100_000)
                var revision: Revision = 0
                for _ in 0..<50 { revision = try await client.put("k", value).revision }
                try await client.compact(revision, waitsUntilDone: true)
                let endpoint = client.endpoints[0]
                let before = try await client.status(of: endpoint).databaseBytes
                try await client.defragment(endpoint)
                #expect(try await client.status(of: endpoint).databaseBytes < before / 2)
                #expect(try await client.get("k")?.value == value)
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func aFullDatabaseRaisesAnAlarm(version: EtcdVersion) async throws {
        let quota = 1 << 20
        try await version.withServer {
            $0.extraArguments = ["--quota-backend-bytes=\(quota)"]
        } _: { server in
            try await server.withClient { client in
                #expect(try await client.alarms().isEmpty)
                let value = [UInt8](repeating: 1, count: 100_000)
                var revision: Revision = 0
                let failure = await expectFailure {
                    while true { revision = try await client.put("k", value).revision }
                }
                #expect(failure?.code == .noSpace)
                let endpoint = client.endpoints[0]
                let member = try await client.status(of: endpoint).memberID
                try await eventually { try await client.alarms() == [EtcdAlarm(kind: .noSpace, memberID: member)] }
                #expect(try await !client.status(of: endpoint).errors.isEmpty)
                #expect(try await client.get("k") != nil, "existing keys can be read")

                try await client.compact(revision, waitsUntilDone: true)
                try await client.defragment(endpoint)
                for alarm in try await client.alarms() { try await client.disarm(alarm) }
                #expect(try await client.alarms().isEmpty)
                try await client.put("k", "small")
            }
        }
    }

    @Test(arguments: EtcdVersion.all)
    func compactionForgetsOldRevisions(version: EtcdVersion) async throws {
        try await version.withServer { server in
            try await server.withClient { client in
                let first = try await client.put("k", "1").revision
                let second = try await client.put("k", "2").revision
                try await client.compact(second)
                let failure = await expectFailure { _ = try await client.get("k", revision: first) }
                #expect(failure?.code == .compacted)
                #expect(try await client.get("k", revision: second)?.valueText == "2")
                await expectFailure(.compacted) { try await client.compact(second) }
                await expectFailure(.futureRevision) { try await client.compact(second + 100) }
            }
        }
    }
}
