import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitCommand

/// `kit registry` as a whole, on a file registry and on etcd.
@Suite(.timeLimit(.minutes(4)))
struct RegistryCommandTests {
    /// The registries of the tests.
    enum Backend: String, CaseIterable {
        case file, etcd
    }

    /// Runs a body with the options of a new registry.
    private static func with(
        _ backend: Backend,
        _ body: @escaping @Sendable (_ options: [String]) async throws -> Void
    ) async throws {
        switch backend {
        case .file:
            let directory = try TemporaryDirectory()
            try await body(["--backend", "file", "--set", "registry.file.directory=\(directory.path)"])
        case .etcd:
            guard EtcdServer.isAvailable() else { return }
            try await EtcdServer.withServer { etcd in
                let endpoints = "registry.etcd.endpoints=[\(etcd.endpoints.joined(separator: ", "))]"
                try await body(["--backend", "etcd", "--set", endpoints, "--set", "registry.etcd.ttl=60s"])
            }
        }
    }

    private static func register(_ id: String, _ options: [String]) async throws -> RunningProgram {
        let owner = try Kit.start(
            ["registry", "register", "--name", "user-service", "--endpoint", "grpc://127.0.0.1:9000", "--id", id]
                + options
        )
        try await owner.waitForOutput("registered in")
        return owner
    }

    @Test(arguments: Backend.allCases)
    func anInstanceIsTakenOutOfTrafficAndBack(_ backend: Backend) async throws {
        try await Self.with(backend) { options in
            func kit(_ arguments: String...) async throws -> RunningProgram.Result {
                try await Kit.run(["registry"] + arguments + options)
            }
            let watch = try Kit.start(["registry", "watch"] + options)
            let owner = try await Self.register("user-1", options)
            try await watch.waitForOutput("joined   user-service/user-1  grpc://127.0.0.1:9000")
            #expect(try await kit("resolve", "user-service").output == "127.0.0.1:9000\n")

            #expect(try await kit("weight", "user-1", "50").output == "user-service/user-1: weight 100 -> 50\n")
            try await watch.waitForOutput("changed  user-service/user-1  weight=50\n")
            let offline = try await kit("offline", "user")
            #expect(offline.output == "user-service/user-1: offline\n")
            // In a registry on the network, clients of other frameworks may look. They do not know the label `offline`.
            #expect(offline.errors.contains("clients of other frameworks") == (backend == .etcd))
            try await watch.waitForOutput("changed  user-service/user-1  offline=true\n")

            let none = try await kit("resolve", "user-service")
            #expect(none.exit == .exited(1))
            #expect(none.output.isEmpty)
            #expect(none.errors.contains("1 instance, and none to call by grpc; offline: 1"))
            let list = try await kit("list")
            #expect(list.output.split(separator: "\n").last?.hasSuffix("offline") == true)
            let json = try await kit("list", "--json")
            let found = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
            #expect(found.count == 1)
            #expect(found.first?["weight"] as? Int == 50)
            #expect(found.first?["offline"] as? Bool == true)
            #expect((found.first?["metadata"] as? [String: String])?["weight"] == "0")
            #expect(
                try await kit("weight", "user-1", "60").output
                    == "user-service/user-1: weight 50 -> 60 when it is online again\n")
            #expect(
                try await kit("weight", "user-1", "50").output
                    == "user-service/user-1: weight 60 -> 50 when it is online again\n")
            #expect(found.first?["started"] is String)

            let refused = try await kit("deregister", "user-1")
            #expect(refused.exit == .exited(1))
            #expect(refused.errors.contains("is kept by "))
            #expect(try await kit("online", "user-1").output == "user-service/user-1: online\n")
            try await watch.waitForOutput("changed  user-service/user-1  offline removed\n")
            #expect(try await kit("resolve", "user-service").output == "127.0.0.1:9000\n")

            owner.signal(SIGINT)
            let end = try await owner.result()
            #expect(end.exit == .exited(0))
            #expect(end.output.hasSuffix("user-service/user-1: deregistered\n"))
            try await watch.waitForOutput("left     user-service/user-1\n")
            watch.signal(SIGINT)
            #expect(try await watch.waitForExit() == .exited(0))
        }
    }

    /// Entries of other frameworks are listed, labelled without loss, and resolved like a client does.
    @Test func entriesOfOtherFrameworks() async throws {
        guard EtcdServer.isAvailable() else { return }
        try await EtcdServer.withServer { etcd in
            let endpoints = "registry.etcd.endpoints=[\(etcd.endpoints.joined(separator: ", "))]"
            func kit(_ arguments: String...) async throws -> RunningProgram.Result {
                try await Kit.run(["registry"] + arguments + ["--backend", "etcd", "--set", endpoints])
            }
            let entry =
                #"{"id":"host/1","name":"user","zone":"eu","endpoints":["grpcs://127.0.0.1:9000","amqp://u:p@h:5672/"]}"#
            try await etcd.etcdctl("put", "/microservices/user/host/1", entry)
            try await etcd.etcdctl("put", "/microservices/user/bad", "http://u:p@h")

            let list = try await kit("list", "user")
            #expect(list.exit == .exited(0))
            #expect(list.output.contains("host/1  grpcs://127.0.0.1:9000,amqp://u:***@h:5672/(?)"))
            #expect(list.errors.contains("/microservices/user/bad"))
            #expect(!list.errors.contains("u:p@"))
            #expect(try await kit("weight", "host/1", "50").exit == .exited(0))
            let labelled = entry.dropLast() + #","metadata":{"weight":"50"}}"#
            #expect(try await etcd.etcdctl("get", "--print-value-only", "/microservices/user/host/1") == labelled)

            #expect(try await kit("resolve", "user").output == "127.0.0.1:9000\n")
            let plain = try await kit("resolve", "user", "--scheme", "grpc")
            #expect(plain.exit == .exited(1))
            #expect(plain.errors.contains("--scheme grpcs"))
        }
    }

    /// `resolve` prints the addresses that a channel with the same configuration calls: with `client.tls`, none in
    /// clear text.
    @Test func resolveMatchesAChannelWithTheSameConfiguration() async throws {
        let services = "registry.static.services={user: [grpcs://10.0.0.1:9000, grpc://10.0.0.2:9000]}"
        func resolve(_ arguments: String...) async throws -> String {
            try await Kit.run(["registry", "resolve", "user", "--backend", "static", "--set", services] + arguments)
                .output
        }
        #expect(try await resolve().split(separator: "\n").sorted() == ["10.0.0.1:9000", "10.0.0.2:9000"])
        #expect(try await resolve("--set", "client.tls.server-name=user") == "10.0.0.1:9000\n")
        #expect(try await resolve("--scheme", "grpc") == "10.0.0.2:9000\n")
    }

    @Test func aPasswordInAnEndpointIsNotShown() async throws {
        let address = "http://user:hunter2@127.0.0.1:2379"
        let endpoints = "registry.etcd.endpoints=[\"\(address)\"]"
        for arguments in [
            ["registry", "list", "--backend", "etcd", "--set", endpoints],
            ["registry", "register", "--name", "a", "--endpoint", address],
            ["config", "show", "--set", endpoints],
            ["call", "a.B/C", "--address", address], ["call", "a.B/C", "--address", "user:hunter2@127.0.0.1:x"],
        ] {
            let outcome = try await Kit.run(arguments)
            #expect(!(outcome.output + outcome.errors).contains("hunter2"), "\(arguments): \(outcome)")
        }
    }

    @Test func missingInstanceIsOneLineAndExitCode1() async throws {
        try await Self.with(.file) { options in
            for arguments in [
                ["offline", "nobody"], ["resolve", "nothing"], ["deregister", "nobody"], ["weight", "x", "1"],
            ] {
                let outcome = try await Kit.run(["registry"] + arguments + options)
                #expect(outcome.exit == .exited(1))
                #expect(outcome.output.isEmpty)
                #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            }
            let list = try await Kit.run(["registry", "list", "--json"] + options)
            #expect(list.exit == .exited(0))
            #expect(list.output.filter { !$0.isWhitespace } == "[]")
            #expect(try await Kit.run(["registry", "weight", "x", "many"] + options).exit == .exited(64))
            let negative = try await Kit.run(["registry", "weight", "x", "-1"] + options)
            #expect(negative.exit == .exited(64) && negative.errors.contains("the weight must be from 0 to 1000000"))
        }
    }

    @Test func unreachableRegistryIsNamed() async throws {
        let outcome = try await Kit.run(
            ["registry", "list", "--backend", "etcd", "--set", "registry.etcd.endpoints=[\"http://127.0.0.1:1\"]"]
        )
        #expect(outcome.exit == .exited(1))
        #expect(outcome.errors.contains("http://127.0.0.1:1"))
        #expect(outcome.errors.contains("is it running?"))
    }
}
