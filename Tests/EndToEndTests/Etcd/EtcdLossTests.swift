import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Faults in the data of etcd.
@Suite(.timeLimit(.minutes(6)), .serialized, .enabled(if: EtcdServer.isAvailable()))
struct EtcdLossTests {
    @Test func fleetSurvivesARevokedLease() async throws {
        try await EtcdFleet.with { fleet in
            try await fleet.survives { fleet in
                let lease = try await fleet.lease(of: "user-1")
                try await fleet.etcd.etcdctl("lease", "revoke", lease)
                try await fleet.waitUntilRight()
                #expect(try await fleet.lease(of: "user-1") != lease)
            }
        }
    }

    @Test func fleetSurvivesADeletedKey() async throws {
        try await EtcdFleet.with { fleet in
            try await fleet.survives { fleet in
                for id in EtcdFleet.ids {
                    try await fleet.etcd.etcdctl("del", EtcdFleet.prefix + id)
                    try await fleet.waitUntilRight()
                }
            }
        }
    }

    @Test func compactionPastOurRevisionWhileDisconnected() async throws {
        // The leases outlast the silence: this test is not about a leader that recovers and ends them at once.
        try await EtcdFleet.with(.three, settings: ["registry.etcd.ttl=30s"]) { fleet in
            try await fleet.survives { fleet in
                // No client is connected while the history is made and dropped, and one instance changes its owner.
                for member in 0..<3 { try fleet.etcd.suspend(member) }
                try await Task.sleep(for: .seconds(12))
                for member in 0..<3 { try fleet.etcd.resume(member) }
                try await fleet.etcd.waitUntilReady()
                for number in 0..<20 { try await fleet.etcd.etcdctl("put", "/elsewhere", "\(number)") }
                let status = try await fleet.etcd.etcdctl("get", "/elsewhere", "--write-out=json")
                let revision = try JSONDecoder().decode(Response.self, from: Data(status.utf8)).header.revision
                try await fleet.etcd.etcdctl("compact", "\(revision)")
                try await fleet.etcd.etcdctl("del", EtcdFleet.prefix + "user-2")
            }
        }
    }

    private struct Response: Decodable {
        struct Header: Decodable {
            let revision: Int
        }
        let header: Header
    }

    @Test func anotherOwnerHoldsOurID() async throws {
        // The lease lasts all the time, however busy the machine is.
        try await EtcdFleet.with(settings: ["registry.etcd.ttl=60s"]) { fleet in
            let second = try RunningProgram.userServer(id: "user-1", settings: fleet.fleet.settings)
            #expect(try await second.waitForExit() == .exited(1))
            #expect(
                second.errors.contains(
                    "\"user-1\" of service \"user-service\" is already registered by the owner of grpc://"))
            try await fleet.waitUntilRight()
        }
    }

    @Test func garbageAmongTheInstances() async throws {
        try await EtcdFleet.with { fleet in
            try await fleet.survives { fleet in
                for (key, value) in [
                    ("torn", "{\"id\":\"torn\",\"na"), ("text", "hello"), ("empty", ""), ("list", "[1,2]"),
                    ("misnamed", "{\"id\":\"x\",\"name\":\"user-service\",\"endpoints\":[]}"),
                    ("deep/er", "{}"),
                    ("noport", "{\"id\":\"noport\",\"name\":\"user-service\",\"endpoints\":[\"grpc://a\"]}"),
                ] {
                    try await fleet.etcd.etcdctl("put", EtcdFleet.prefix + key, value)
                }
                // Also the instances that were registered before a process first looked at the service.
                let late = try await fleet.fleet.start("user-4")
                late.signal(SIGTERM)
                #expect(try await late.waitForExit() == .exited(0))
                // An entry is an instance even if no endpoint of it can be read; clients do not call it. On a busy
                // machine an instance that lost its lease may be restored at this moment.
                let ids = (EtcdFleet.ids + ["noport"]).sorted()
                try await eventually {
                    try await fleet.fleet.registry.instances(of: "user-service").map(\.id).sorted() == ids
                }
                for key in ["torn", "text", "empty", "list", "misnamed", "deep/er", "noport"] {
                    try await fleet.etcd.etcdctl("del", EtcdFleet.prefix + key)
                }
            }
        }
    }

    @Test func anotherServiceWhoseNameBeginsAlike() async throws {
        try await EtcdFleet.with { fleet in
            try await fleet.survives { fleet in
                let admin = try RunningProgram.userServer(
                    id: "admin-1", settings: fleet.fleet.settings + ["app.name=user-service-admin"]
                )
                var updates = fleet.fleet.discovery.watch("user-service-admin").makeAsyncIterator()
                while let snapshot = await updates.next(), snapshot.instances["admin-1"] == nil {}
                _ = try #require(await fleet.fleet.instances.first { $0.map(\.id).sorted() == EtcdFleet.ids })
                admin.signal(SIGTERM)
                #expect(try await admin.waitForExit() == .exited(0))
            }
        }
    }
}
