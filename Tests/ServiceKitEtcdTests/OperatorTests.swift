import EtcdClient
import Logging
import ServiceKit
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// Changes of operators to owners' entries, on a real etcd.
@Suite(.timeLimit(.minutes(3)), .enabled(if: EtcdServer.isAvailable()))
struct OperatorTests {
    private static let key = "/microservices/user/a"
    private static let instance = ServiceInstance(
        id: "a", name: "user", version: "1", metadata: ["zone": "eu"],
        endpoints: [Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)]
    )

    private static func labelled(_ labels: [String: String]) -> ServiceInstance {
        var result = instance
        result.metadata.merge(labels) { $1 }
        return result
    }

    /// An etcd, a registration in it, and another view.
    private static func with(
        layout: EtcdLayout = .kratos,
        _ body: @escaping @Sendable (EtcdServer, EtcdRegistry) async throws -> Void
    ) async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.withRegistry {
                $0.layout = layout
            } _: { registry in
                try await body(etcd, registry)
            }
        }
    }

    /// Waits until a watch has seen an instance.
    private static func wait(_ registry: EtcdRegistry, for expected: ServiceInstance) async {
        for await snapshot in registry.watch("user") where snapshot.state.isLive && snapshot.instances == [expected] {
            return
        }
    }

    /// Waits until an owner has adopted an operator's label.
    private static func wait(_ registration: any Registration, for expected: ServiceInstance) async throws {
        while registration.instance != expected {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    @Test func operatorsLabelsSurviveALostKeyLeaseAndStore() async throws {
        try await Self.with { etcd, registry in
            let registration = try await registry.registered(Self.instance)
            let expected = Self.labelled(["offline": "true", "weight": "7"])
            #expect(
                try await registry.setMetadata(["offline": "true", "weight": "7"], ofInstance: "a", of: "user")
                    == expected
            )
            try await Self.wait(registration, for: expected)

            try await etcd.etcdctl("del", Self.key)
            await Self.wait(registry, for: expected)

            let lease = try #require(try await etcd.etcdctl("lease", "list").split(separator: "\n").last)
            try await etcd.etcdctl("lease", "revoke", String(lease))
            await Self.wait(registry, for: expected)

            try await etcd.kill()
            try etcd.wipe()
            try await etcd.start()
            try await etcd.waitUntilReady()
            await Self.wait(registry, for: expected)

            // The labels can still be taken back after that.
            _ = try await registry.setMetadata(["offline": nil, "weight": nil], ofInstance: "a", of: "user")
            await Self.wait(registry, for: Self.instance)
            try await Self.wait(registration, for: Self.instance)
            await registration.release()
        }
    }

    @Test func labelChangeKeepsTheLease() async throws {
        try await Self.with { etcd, registry in
            let registration = try await registry.registered(Self.instance)
            let before = try await etcd.etcdctl("get", "--write-out=json", Self.key)
            _ = try await registry.setMetadata(["weight": "7"], ofInstance: "a", of: "user")
            let after = try await etcd.etcdctl("get", "--write-out=json", Self.key)
            func lease(_ json: String) -> Substring? {
                json.split(separator: "\"lease\":").last?.prefix { $0.isNumber }
            }
            #expect(lease(before) == lease(after))
            #expect(registration.state.value == .registered)
            await registration.release()
            #expect(try await registry.instances(of: "user").isEmpty)
        }
    }

    /// The owner replaces any other change, and keeps the operator's labels.
    @Test func garbageIsReplacedByTheEntry() async throws {
        try await Self.with { etcd, registry in
            let registration = try await registry.registered(Self.instance)
            let expected = try await registry.setMetadata(["weight": "7"], ofInstance: "a", of: "user")
            try await Self.wait(registration, for: expected)
            let other = ServiceInstance(id: "a", name: "user", version: "2", endpoints: Self.instance.endpoints)
            for garbage in ["garbage", String(decoding: try EtcdLayout.kratos.encode(other), as: UTF8.self)] {
                try await etcd.etcdctl("put", "--ignore-lease", Self.key, garbage)
                await Self.wait(registry, for: expected)
            }
            #expect(registration.instance == expected)
            await registration.release()
        }
    }

    @Test func onlyEntriesWithoutALeaseAreRemoved() async throws {
        try await Self.with { etcd, registry in
            let registration = try await registry.registered(Self.instance)
            let error = await #expect(throws: RegistryError.self) { try await registry.removeInstance("a", of: "user") }
            #expect(error?.code == .alreadyRegistered)
            await registration.release()
            try await etcd.etcdctl(
                "put", Self.key, String(decoding: try EtcdLayout.kratos.encode(Self.instance), as: UTF8.self))
            #expect(try await registry.services() == ["user"])
            try await registry.removeInstance("a", of: "user")
            #expect(try await registry.services() == [])
            let gone = await #expect(throws: RegistryError.self) { try await registry.removeInstance("a", of: "user") }
            #expect(gone?.code == .notFound)
        }
    }

    /// The bytes of another framework's entry: before, while an operator has labelled it, and afterwards.
    @Test func labelChangeKeepsEveryForeignByte() async throws {
        try await Self.with { etcd, registry in
            for (id, labels) in [("m1", #"{"weight":50,"canary":true}"#), ("host/1234", #"{ "zone" : "eu" }"#)] {
                let key = "/microservices/user/\(id)"
                let entry = """
                    {"id":"\(id)", "name":"user","zone":"eu","version":1.10,\
                    "endpoints":["ws://h:8000/chat?x=1","amqp://u:p@h:5672/","https://api.example.com"],\
                    "metadata":\(labels),"tags":["\\u0061"]}
                    """
                try await etcd.etcdctl("put", key, entry)
                func value() async throws -> String {
                    try await etcd.etcdctl("get", "--print-value-only", key)
                }
                #expect(try await value() == entry)
                #expect(try await registry.services() == ["user"])
                let offline = try await registry.takeOffline(id, of: "user")
                #expect(offline.isOffline && offline.weight == 0)
                #expect(offline.unreadableEndpoints == ["amqp://u:***@h:5672/", "https://api.example.com"])
                #expect(try await registry.instances(of: "user")[id] == offline)
                #expect(try await registry.takeOffline(id, of: "user") == offline)
                let labelled = try await value()
                #expect(labelled.contains(#""endpoints":["ws://h:8000/chat?x=1","amqp://u:p@h:5672/","#))
                #expect(labelled.hasSuffix(#","tags":["\u0061"]}"#))
                _ = try await registry.putOnline(id, of: "user")
                #expect(try await value() == entry)
                try await registry.removeInstance(id, of: "user")
            }
        }
    }

    /// The second operator sees the change of the first.
    @Test func concurrentOperatorsDoNotUndoEachOther() async throws {
        try await Self.with { etcd, registry in
            try await etcd.etcdctl(
                "put", Self.key, String(decoding: try EtcdLayout.kratos.encode(Self.instance), as: UTF8.self))
            for weight in 1...20 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await registry.takeOffline("a", of: "user") }
                    group.addTask { _ = try await registry.setWeight(weight, ofInstance: "a", of: "user") }
                    group.addTask { _ = try await registry.takeOffline("a", of: "user") }
                    try await group.waitForAll()
                }
                let online = try await registry.putOnline("a", of: "user")
                #expect(online == Self.labelled(["weight": "\(weight)"]))
            }
        }
    }

    /// The log names entries that are no instance, without their secrets. It does not name those of other services.
    @Test func skippedEntryIsNamedWithoutSecrets() throws {
        let log = LogRecorder()
        let keys = InstanceKeys(namespace: "/services")
        let reader = InstanceReader(service: "user", layout: .hostPort, keys: keys, logger: log.logger())
        func read(_ id: String, _ value: String) -> ServiceInstance? {
            reader.read(
                KeyValue(
                    key: Array(keys.key(id, of: "user").utf8), value: Array(value.utf8), createRevision: 1,
                    modRevision: 1,
                    version: 1, lease: nil
                )
            )
        }
        #expect(read("a", #"{"host":"http://u:p@h","port":0}"#) == nil)
        #expect(read("b/c", "something else") == nil)
        #expect(log.entries.map(\.level) == [.warning, .debug])
        #expect(log.entries.first?.metadata["key"] == "/services/user/a")
        #expect(log.entries.first?.metadata["cause"]?.description.contains("http://u:***@h") == true)
    }

    @Test func foreignEntriesKeepTheirForm() async throws {
        try await Self.with(layout: .grpcNaming) { etcd, registry in
            try await etcd.etcdctl("put", "user/a", #"{"Op":0,"Addr":"10.0.0.7:9000","Metadata":{"zone":"eu"}}"#)
            try await etcd.etcdctl("put", "unrelated/key", "text")
            #expect(try await registry.services() == ["user"])
            _ = try await registry.setMetadata(["weight": "7"], ofInstance: "a", of: "user")
            let value = try await etcd.etcdctl("get", "--print-value-only", "user/a")
            #expect(value.contains(#"{"Op":0,"Addr":"10.0.0.7:9000","Metadata":{"zone":"eu","weight":"7"}}"#))
        }
        try await Self.with(layout: .hostPort) { etcd, registry in
            try await etcd.etcdctl("put", "/services/user/a", #"{"host":"10.0.0.7","port":9000}"#)
            let error = await #expect(throws: RegistryError.self) {
                try await registry.setMetadata(["weight": "7"], ofInstance: "a", of: "user")
            }
            #expect(error?.code == .unsupported)
        }
    }
}
