import EtcdClient
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// Documents and their versions in a real etcd.
@Suite(.timeLimit(.minutes(3)), .enabled(if: EtcdServer.isAvailable()))
struct EtcdConfigurationOperatorTests {
    private static let note = ConfigurationVersion.Note(time: "2026-05-04T10:11:12Z", author: "me@here", message: "why")

    private static func with(
        _ body: @Sendable (EtcdServer, EtcdConfigurationSource) async throws -> Void
    ) async throws {
        try await EtcdServer.withServer { etcd in
            var options = EtcdConfigurationOptions()
            options.prefix = "/config/user"
            var config = try EtcdConfig(endpoints: etcd.endpoints)
            // A busy machine is no failure.
            config.requestTimeout = .seconds(60)
            let client = try EtcdClient(config, logger: Logger(label: "test"))
            let source = EtcdConfigurationSource(options, client)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await source.run { _ in } }
                defer { group.cancelAll() }
                try await body(etcd, source)
            }
        }
    }

    private static func document(_ text: String, over revision: Int64) -> StoredConfiguration {
        StoredConfiguration(name: "config.yaml", bytes: Array(text.utf8), revision: revision)
    }

    @Test(arguments: ["9223372036854775807", "-000000001", "1", "notes"])
    func keyOfAnotherProgramIsNoVersion(name: String) async throws {
        try await Self.with { etcd, source in
            try await etcd.etcdctl("put", "--", "/config/user.history/config.yaml/\(name)", "x")
            let version = try await source.write(Self.document("a: 1", over: 0), note: Self.note, keeping: 5)
            #expect(version?.number == 1)
            #expect(try await source.versions(of: "config.yaml").map(\.number) == [1])
        }
    }

    /// A key of the form of a version's that another program has put.
    @Test(arguments: ["9999999999", "0000000002", "0000000100"])
    func foreignKeyAmongTheVersionsHarmsNoVersion(name: String) async throws {
        try await Self.with { etcd, source in
            let foreign = "/config/user.history/config.yaml/\(name)"
            try await etcd.etcdctl("put", "--", foreign, "x")
            var revision: Int64 = 0
            for number in 1...4 {
                let document = Self.document("a: \(number)", over: revision)
                revision = try #require(try await source.write(document, note: Self.note, keeping: 3)).revision
            }
            let versions = try await source.versions(of: "config.yaml")
            #expect(versions.map { String(decoding: $0.bytes, as: UTF8.self) } == ["a: 4", "a: 3", "a: 2"])
            #expect(Set(versions.map(\.number)).count == 3)
            #expect(try await etcd.etcdctl("get", "--print-value-only", foreign).hasPrefix("x"))
        }
    }

    /// Versions are counted, not their numbers.
    @Test func versionWithALargeNumberLetsTheOthersBe() async throws {
        try await Self.with { _, source in
            var revision: Int64 = 0
            for number in 1...3 {
                let document = Self.document("a: \(number)", over: revision)
                revision = try #require(try await source.write(document, note: Self.note, keeping: 5)).revision
            }
            let prefix = "/config/user.history/config.yaml/"
            let version = try #require(try await source.client.get("\(prefix)0000000003")).value
            try await source.client.put("\(prefix)0000000900", version)
            let next = try await source.write(Self.document("a: 4", over: revision), note: Self.note, keeping: 5)
            // The document's own version is not the latest any more, so it counts as put by another program.
            #expect(next?.number == 902)
            #expect(try await source.versions(of: "config.yaml").map(\.number) == [902, 901, 900, 3, 2])

            try await source.client.put("\(prefix)9999999999", version)
            let error = await #expect(throws: EtcdError.self) {
                try await source.write(
                    Self.document("a: 5", over: next?.revision ?? 0), note: Self.note, keeping: 5)
            }
            #expect(error?.message.hasPrefix("\(prefix)9999999999 has the last number that a version can have") == true)
        }
    }

    @Test func longHistoryIsCutInSteps() async throws {
        try await Self.with { _, source in
            let first = try await source.write(Self.document("a: 0", over: 0), note: Self.note, keeping: 1000)
            let key = "/config/user.history/config.yaml/0000000"
            let version = try #require(try await source.client.get("\(key)001")).value
            for numbers in [101...199, 200...251] {
                let puts = numbers.map { Transaction.Operation.put("\(key)\($0)", version) }
                _ = try await source.client.commit(Transaction(then: puts))
            }
            var revision = try #require(first).revision
            for (number, count) in [(1, 53), (2, 1)] {
                let document = Self.document("a: \(number)", over: revision)
                revision = try #require(try await source.write(document, note: Self.note, keeping: 1)).revision
                #expect(try await source.versions(of: "config.yaml").count == count)
            }
        }
    }

    @Test func sourceReadsWhatWasWrittenAndNoVersion() async throws {
        try await Self.with { etcd, source in
            let version = try await source.write(Self.document("a: 1", over: 0), note: Self.note, keeping: 5)
            #expect(version?.number == 1)
            let states = Watched<ConfigurationSourceState?>(nil)
            var options = EtcdConfigurationOptions()
            options.prefix = "/config/user"
            let client = try EtcdClient(EtcdConfig(endpoints: etcd.endpoints), logger: Logger(label: "test"))
            let reader = EtcdConfigurationSource(options, client)
            let task = Task { await reader.run { states.set($0) } }
            defer { task.cancel() }
            let document = ConfigurationDocument(origin: "etcd /config/user/config.yaml", bytes: Array("a: 1".utf8))
            try await eventually { states.value == .loaded([document]) }
        }
    }

    @Test func versionsHaveTheirNotesAndTheOldestAreDeleted() async throws {
        try await Self.with { _, source in
            var revision: Int64 = 0
            for number in 1...5 {
                let document = Self.document("a: \(number)", over: revision)
                let version = try await source.write(document, note: Self.note, keeping: 3)
                revision = try #require(version).revision
            }
            let versions = try await source.versions(of: "config.yaml")
            #expect(versions.map(\.number) == [5, 4, 3])
            #expect(versions.map { String(decoding: $0.bytes, as: UTF8.self) } == ["a: 5", "a: 4", "a: 3"])
            #expect(versions.allSatisfy { $0.note == Self.note })
            #expect(versions.first?.revision == revision)
            #expect(try await source.document(named: "config.yaml")?.revision == revision)
            #expect(try await source.versions(of: "other.yaml").isEmpty)
        }
    }

    @Test func versionsSurviveCompaction() async throws {
        try await Self.with { etcd, source in
            let first = try #require(
                try await source.write(Self.document("a: 1", over: 0), note: Self.note, keeping: 5))
            let second = try #require(
                try await source.write(Self.document("a: 2", over: first.revision), note: Self.note, keeping: 5))
            try await etcd.etcdctl("compact", "\(second.revision)")
            #expect(try await source.versions(of: "config.yaml").map(\.number) == [2, 1])
        }
    }

    @Test func documentThatSomebodyElseHasWrittenIsNotReplaced() async throws {
        try await Self.with { etcd, source in
            let first = try #require(
                try await source.write(Self.document("a: 1", over: 0), note: Self.note, keeping: 5))
            try await etcd.etcdctl("put", "/config/user/config.yaml", "a: 9")
            let late = Self.document("a: 2", over: first.revision)
            #expect(try await source.write(late, note: Self.note, keeping: 5) == nil)
            let found = try #require(try await source.document(named: "config.yaml"))
            let next = try await source.write(Self.document("a: 2", over: found.revision), note: Self.note, keeping: 5)
            #expect(next?.number == 3)
            let versions = try await source.versions(of: "config.yaml")
            #expect(versions.map { String(decoding: $0.bytes, as: UTF8.self) } == ["a: 2", "a: 9", "a: 1"])
            #expect(versions[1].note?.message == "found: put by another program")

            try await etcd.etcdctl("put", "/config/user/config.yaml", "a: 9")
            let again = try #require(try await source.document(named: "config.yaml"))
            _ = try await source.write(Self.document("a: 3", over: again.revision), note: Self.note, keeping: 1)
            let kept = try await source.versions(of: "config.yaml")
            #expect(kept.map { String(decoding: $0.bytes, as: UTF8.self) } == ["a: 3"])
        }
    }
}
