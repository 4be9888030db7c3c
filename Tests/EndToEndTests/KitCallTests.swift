import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// `kit call` on the sample service, both as processes.
@Suite(.timeLimit(.minutes(3))) struct KitCallTests {
    /// Runs `kit call` until it ends.
    private func call(
        _ fleet: Fleet,
        _ arguments: String...,
        code: Int32 = 0
    ) async throws -> (output: String, errors: String) {
        let arguments = ["call"] + arguments + fleet.settings.flatMap { ["--set", $0] }
        let kit = try await RunningProgram.run(Executable.kit, arguments)
        #expect(kit.exit == .exited(code), "\(kit.errors)")
        return (kit.output, kit.errors)
    }

    @Test func callsThroughTheRegistry() async throws {
        try await Fleet.with { fleet in
            let servers = [try await fleet.start("user-1"), try await fleet.start("user-2")]
            for target in ["user-service/GetUser", "user-service/user.v1.UserService/GetUser"] {
                let user = try await call(fleet, target, "-d", #"{"id": 1}"#)
                let expected = "{\n  \"id\": \"1\",\n  \"name\": \"Ada\",\n  \"email\": \"ada@example.com\"\n}\n"
                #expect(user.output == expected)
            }
            let all = try await call(fleet, "user-service/ListUsers")
            #expect(all.output.split(separator: "\n").filter { $0 == "}" }.count == 3)
            let list = try await call(fleet, "user-service", "--list")
            #expect(list.output.split(separator: "\n").contains("user.v1.UserService/WatchUsers"))
            #expect(list.output.split(separator: "\n").contains("grpc.health.v1.Health/Check"))
            let description = try await call(fleet, "user-service/GetUser", "--describe")
            #expect(
                description.output == """
                    service user.v1.UserService {
                      rpc GetUser(user.v1.GetUserRequest) returns (user.v1.User);
                    }

                    message user.v1.GetUserRequest {
                      int64 id = 1;
                    }

                    message user.v1.User {
                      int64 id = 1;
                      string name = 2;
                      string email = 3;
                    }

                    """
            )
            for server in servers { server.signal(SIGTERM) }
            for server in servers { _ = try await server.waitForExit() }
        }
    }

    @Test func callsAnAddress() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            let endpoint = try #require(fleet.instances.value["user-1"]?.endpoints.first)
            for address in [endpoint.authority, endpoint.description] {
                let health = try await call(fleet, "grpc.health.v1.Health/Check", "--address", address)
                #expect(health.output == "{\n  \"status\": \"SERVING\"\n}\n")
            }
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
        }
    }

    @Test func callsOverHTTP() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            let address = try #require(fleet.instances.value["user-1"]?.endpoints.first).authority
            for target in [["user-service/GetUser"], ["UserService/GetUser", "--address", "http://\(address)"]] {
                let arguments = ["call"] + target + ["--http", "-d", #"{"id": 1}"#]
                let kit = try await RunningProgram.run(
                    Executable.kit, arguments + fleet.settings.flatMap { ["--set", $0] })
                #expect(kit.exit == .exited(0), "\(kit.errors)")
                #expect(kit.output.contains("\"name\": \"Ada\""), "\(kit.output)")
            }
            let all = try await call(fleet, "user-service/ListUsers", "--http")
            #expect(all.output.split(separator: "\n").filter { $0 == "}" }.count == 3)
            let missing = try await call(fleet, "user-service/GetUser", "--http", "-d", #"{"id": 9}"#, code: 1)
            #expect(missing.errors == "Error: NOT_FOUND: there is no user 9\n")
            let unknown = try await call(fleet, "user-service/GetUser", "--http", "-d", #"{"idd": 9}"#, code: 1)
            #expect(unknown.errors.contains("idd: no such field in user.v1.GetUserRequest"))
            let slow = try await call(fleet, "user-service/WatchUsers", "--http", "--timeout", "2s", code: 1)
            #expect(slow.errors.hasPrefix("Error: DEADLINE_EXCEEDED"), "\(slow.errors)")
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
        }
    }

    @Test func failuresAreOneLine() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1", settings: ["server.grpc.reflection=true"])
            let missing = try await call(fleet, "user-service/GetUser", "-d", #"{"id": 9}"#, code: 1)
            #expect(missing.errors == "Error: NOT_FOUND: there is no user 9 (USER_NOT_FOUND, id: 9)\n")
            #expect(missing.output.isEmpty)
            let unknown = try await call(fleet, "user-service/GetUser", "-d", #"{"idd": 9}"#, code: 1)
            #expect(
                unknown.errors
                    == "Error: -d: line 1, column 2: idd: no such field in user.v1.GetUserRequest; it has: id\n")
            let noMethod = try await call(fleet, "user-service/Get", code: 1)
            #expect(noMethod.errors.hasPrefix("Error: user-service has no method \"Get\"; it has: "))
            let slow = try await call(fleet, "user-service/WatchUsers", "--timeout", "3s", code: 1)
            #expect(slow.errors.hasPrefix("Error: DEADLINE_EXCEEDED"))
            #expect(
                slow.errors.contains("; waited for user-service to answer WatchUsers; --timeout "), "\(slow.errors)")
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
        }
    }

    @Test func aServerWithoutReflection() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1", settings: ["server.grpc.reflection=false"])
            let call = try await call(fleet, "user-service/GetUser", code: 1)
            #expect(call.errors.contains("set server.grpc.reflection: true"))
            let health = try await self.call(fleet, "user-service/grpc.health.v1.Health/Check")
            #expect(health.output == "{\n  \"status\": \"SERVING\"\n}\n")
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
        }
    }

    @Test func timeoutNamesTheStepThatWaits() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1")
            server.signal(SIGSTOP)
            defer { server.signal(SIGCONT) }
            let address = try #require(fleet.instances.value["user-1"]?.endpoints.first).authority
            let discovered = try await call(fleet, "user-service/GetUser", "--timeout", "500ms", code: 1)
            // The connection and the call have the same limit: either may end first.
            #expect(
                discovered.errors.contains(
                    "waited for user-service to describe its services, by server reflection; --timeout")
                    || discovered.errors
                        == "Error: UNAVAILABLE: no connection to an instance of \"user-service\" was ready in time\n",
                "\(discovered.errors)"
            )
            let direct = try await call(
                fleet, "user.v1.UserService/GetUser", "--timeout", "500ms", "--address", address, code: 1)
            #expect(
                direct.errors.contains(
                    "; waited for the server to describe its services, by server reflection; --timeout "),
                "\(direct.errors)"
            )
            server.signal(SIGCONT)
            server.signal(SIGTERM)
            _ = try await server.waitForExit()
        }
    }

    @Test func callWithoutTLSToATLSServerNamesTheOption() async throws {
        try await TestCertificates.with { certificates in
            try await Fleet.with { fleet in
                let tls = ["certificate", "key"].map { "server.grpc.tls.\($0)=" }
                let server = try await fleet.start(
                    "user-1",
                    settings: [tls[0] + certificates.path("server.pem"), tls[1] + certificates.path("server.key")]
                )
                let address = try #require(fleet.instances.value["user-1"]?.endpoints.first).authority
                let target = "grpc.health.v1.Health/Check"
                let plain = try await call(fleet, target, "--address", address, code: 1)
                #expect(plain.errors.contains("; --tls turns TLS on; --ca FILE "), "\(plain.errors)")
                let secure = try await call(
                    fleet, target, "--address", address, "--ca", certificates.path("authority.pem"))
                #expect(secure.output == "{\n  \"status\": \"SERVING\"\n}\n")
                server.signal(SIGTERM)
                _ = try await server.waitForExit()
            }
        }
    }

    @Test func callWithoutAServerFails() async throws {
        try await Fleet.with { fleet in
            let unknown = try await call(fleet, "user-service/GetUser", code: 1)
            #expect(unknown.errors.hasPrefix("Error: UNAVAILABLE: no instance of \"user-service\""))
            let address = try await call(fleet, "a.B/C", "--address", "127.0.0.1:1", "--timeout", "5s", code: 1)
            #expect(address.errors.hasPrefix("Error: UNAVAILABLE: "))
            #expect(address.errors.contains("127.0.0.1:1"))
            _ = try await call(fleet, "user-service/GetUser", "--tls", code: 64)
            let away = try await RunningProgram.run(
                Executable.kit,
                [
                    "call", "user-service/GetUser", "--timeout", "10s", "--set", "registry.backend=etcd",
                    "--set", "registry.etcd.endpoints=http://127.0.0.1:1",
                ]
            )
            #expect(away.errors.hasPrefix("Error: UNAVAILABLE: no instance of \"user-service\" is known: etcd at "))
            #expect(away.errors.contains("Connection refused"), "\(away.errors)")
        }
    }
}
