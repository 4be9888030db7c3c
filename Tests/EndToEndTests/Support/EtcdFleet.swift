import Foundation
import ServiceKit
import ServiceKitConcurrency
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Three servers of the sample service, registered in a real etcd, and calls to them all the time.
struct EtcdFleet: Sendable {
    let etcd: EtcdServer
    let fleet: Fleet
    let servers: [String: RunningProgram]

    /// The time for which an instance stays registered after the death of its process.
    static let ttl = Duration.seconds(5)
    /// The extra time for everything on a busy machine.
    private static let slack = Duration.seconds(15)
    /// The time limit of the recovery from a fault.
    static let recovery = ttl + .seconds(5) + slack
    static let ids = ["user-1", "user-2", "user-3"]
    static let prefix = "/microservices/user-service/"

    /// The settings of a program whose registry is an etcd.
    static func settings(_ endpoints: [String], _ further: [String] = []) -> [String] {
        [
            "registry.backend=etcd", "registry.etcd.endpoints=[\(endpoints.joined(separator: ", "))]",
            "registry.etcd.ttl=5s",
        ] + further
    }

    /// Runs a body with an etcd and the servers.
    static func with(
        _ options: EtcdServer.Options = .init(),
        settings further: [String] = [],
        prepare: @escaping @Sendable (EtcdServer) async throws -> Void = { _ in },
        _ body: @escaping @Sendable (EtcdFleet) async throws -> Void
    ) async throws {
        try await EtcdServer.withServer(options) { etcd in
            try await prepare(etcd)
            try await Fleet.with(settings(etcd.endpoints, further), TemporaryDirectory()) { fleet in
                var servers: [String: RunningProgram] = [:]
                for id in ids { servers[id] = try await fleet.start(id) }
                try await body(EtcdFleet(etcd: etcd, fleet: fleet, servers: servers))
                for server in servers.values { server.signal(SIGTERM) }
                for server in servers.values {
                    #expect(try await server.waitForExit() == .exited(0))
                }
            }
        }
    }

    /// Causes a fault during calls. No call may fail, and afterwards the registry has to be right in time.
    ///
    /// - Parameters:
    ///   - timeout: The time limit of a call. Default: the sample client's.
    ///   - fault: The fault. The time for the recovery begins when it returns.
    func survives(
        timeout: Duration? = nil,
        _ fault: @escaping @Sendable (EtcdFleet) async throws -> Void
    ) async throws {
        let result = try await fleet.underLoad(callers: 6, pause: .milliseconds(10), timeout: timeout) {
            try await fault(self)
            try await waitUntilRight()
        }
        #expect(result.failures == [:], "of \(result.calls) calls")
        for (id, server) in servers where server.errors.contains("Fatal error") {
            Issue.record("\(id) crashed: \(server.errors)")
        }
    }

    /// Waits until etcd has the three instances, each with a living lease, and this process knows exactly these.
    func waitUntilRight(_ ids: [String] = ids) async throws {
        do {
            try await withTimeLimit(Self.recovery) {
                // etcd does not answer while its members elect a leader.
                while (try? await registered()) != ids { try await Task.sleep(for: .milliseconds(50)) }
                _ = await fleet.instances.first { $0.map(\.id).sorted() == ids }
            }
        } catch is TimeLimitExceeded {
            let (known, found) = (fleet.instances.value, try? await registered())
            let logs = servers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.errors.suffix(1500))" }
            Issue.record("etcd has \(found ?? []), known are \(known)\n\(logs.joined(separator: "\n"))")
        }
    }

    /// The ids in etcd whose leases live.
    func registered() async throws -> [String] {
        let keys = try await etcd.etcdctl("get", "--prefix", "--keys-only", Self.prefix)
        return keys.split(separator: "\n").map { String($0.dropFirst(Self.prefix.count)) }.sorted()
    }

    /// The lease of an instance's key, in hexadecimal.
    func lease(of id: String) async throws -> String {
        try await etcd.lease(of: Self.prefix + id)
    }
}

extension EtcdServer {
    /// The lease of a key, in hexadecimal.
    func lease(of key: String) async throws -> String {
        let json = try await etcdctl("get", "--write-out=json", key)
        let entry = try #require(try JSONDecoder().decode(Response.self, from: Data(json.utf8)).kvs?.first)
        return String(entry.lease, radix: 16)
    }

    private struct Response: Decodable {
        struct Entry: Decodable {
            let lease: Int64
        }
        let kvs: [Entry]?
    }
}
