import EtcdClient
import ServiceKit
import ServiceKitConcurrency
import ServiceKitTesting
import Testing

@testable import ServiceKitEtcd

/// Many services that lose their entries at the same time.
@Suite(.timeLimit(.minutes(4)), .enabled(if: EtcdServer.isAvailable()))
struct HerdTests {
    private static let count = 500
    private static let clients = 20

    /// The instances in etcd's order, with the time when this process saw each.
    fileprivate struct Arrivals {
        var times: [String: ContinuousClock.Instant] = [:]
    }

    @Test func fiveHundredServicesRegisterAgainAfterAnOutage() async throws {
        try await EtcdServer.withServer { etcd in
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                let registries = try (0..<Self.clients).map { _ in try Self.registry(etcd) }
                for registry in registries { group.addTask { await registry.run() } }
                let registrations = try await Self.register(in: registries)

                try await etcd.kill()
                try etcd.wipe()
                try await etcd.start()
                try await etcd.waitUntilReady()

                let arrivals = Watched(Arrivals())
                let observer = try EtcdClient(EtcdConfig(endpoints: etcd.endpoints))
                group.addTask { await observer.run() }
                group.addTask {
                    await observer.listAndWatch(.prefix("/microservices/herd/")) { $0 }.run { update in
                        switch update {
                        case .snapshot(let entries, _, _): arrivals.update { $0.add(entries.map(\.entry)) }
                        case .changes(let changes):
                            arrivals.update { arrivals in
                                for case .put(_, let entry) in changes { arrivals.add([entry]) }
                            }
                        case .connected, .interrupted: break
                        }
                    }
                }
                _ = await arrivals.first { $0.times.count == Self.count }
                for registration in registrations { _ = await registration.state.first { $0 == .registered } }

                // They are spread: half of them take a good part of a second.
                let times = arrivals.value.times.values.sorted()
                let (early, late) = (times[Self.count / 20], times[Self.count * 19 / 20])
                #expect(early.duration(to: late) > .milliseconds(200))
                let found = try await registries[0].instances(of: "herd")
                #expect(found.count == Self.count)
                for lease in try await observer.leaseIDs().prefix(5) {
                    #expect(try await observer.leaseDetails(lease).grantedTTL == .seconds(15))
                }
                for registration in registrations { await registration.release() }
                #expect(try await registries[0].instances(of: "herd").isEmpty)
            }
        }
    }

    private static func registry(_ etcd: EtcdServer) throws -> EtcdRegistry {
        var options = EtcdRegistryOptions()
        options.endpoints = etcd.endpoints
        options.ttl = .seconds(15)
        options.requestTimeout = .seconds(30)
        return try EtcdRegistry(options, logger: LogRecorder().logger())
    }

    private static func register(in registries: [EtcdRegistry]) async throws -> [any Registration] {
        try await withThrowingTaskGroup(of: (any Registration).self) { group in
            for number in 0..<count {
                let registry = registries[number % registries.count]
                group.addTask {
                    try await registry.registered(ServiceInstance(id: "i\(number)", name: "herd"))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}

extension HerdTests.Arrivals {
    fileprivate mutating func add(_ entries: [KeyValue]) {
        for entry in entries where times[entry.keyText] == nil { times[entry.keyText] = .now }
    }
}
