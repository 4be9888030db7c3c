import Foundation
import ServiceKit
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// etcd with authentication and TLS.
@Suite(.timeLimit(.minutes(6)), .serialized, .enabled(if: EtcdServer.isAvailable()))
struct EtcdSecurityTests {
    @Test func tokensThatExpire() async throws {
        let directory = try TemporaryDirectory()
        try await openSSL("genrsa", "-out", directory.path("key.pem"), "2048")
        try await openSSL("rsa", "-in", directory.path("key.pem"), "-pubout", "-out", directory.path("public.pem"))
        var options = EtcdServer.Options()
        let keys = "pub-key=\(directory.path("public.pem")),priv-key=\(directory.path("key.pem"))"
        options.authToken = "jwt,\(keys),sign-method=RS256,ttl=4s"
        let password = try directory.write("secret\n", to: "password")
        let settings = ["registry.etcd.username=services", "registry.etcd.password-file=\(password)"]
        try await EtcdFleet.with(options, settings: settings) { etcd in
            try await etcd.addUser("services", password: "secret", prefix: "/microservices/")
            try await etcd.enableAuth()
        } _: { fleet in
            try await fleet.survives { fleet in
                // Twice the life of a token. Then a stream has to be made again, with a token that the client believes
                // to be valid.
                try await Task.sleep(for: .seconds(8))
                let lease = try await fleet.lease(of: "user-1")
                try await fleet.etcd.etcdctl("lease", "revoke", lease)
                try await fleet.waitUntilRight()
                try await fleet.etcd.kill()
                try await fleet.etcd.start()
                try await fleet.etcd.waitUntilReady()
                let late = try await fleet.fleet.start("user-4")
                late.signal(SIGTERM)
                #expect(try await late.waitForExit() == .exited(0))
            }
            for server in fleet.servers.values { #expect(!server.errors.contains("secret")) }
        }
    }

    @Test func aWrongPasswordIsSaidSo() async throws {
        try await EtcdServer.withServer { etcd in
            try await etcd.addUser("services", password: "secret", prefix: "/microservices/")
            try await etcd.enableAuth()
            let settings = ["registry.etcd.username=services", "registry.etcd.password=wrong", "registry.timeout=60s"]
            let server = try RunningProgram.userServer(
                id: "user-1", settings: EtcdFleet.settings(etcd.endpoints, settings)
            )
            #expect(try await server.waitForExit() == .exited(1))
            let line = try #require(server.errors.split(separator: "\n").last)
            #expect(line.contains("Authenticate as \"services\""), "\(line)")
            #expect(line.contains("invalid user ID or password"), "\(line)")
        }
    }

    @Test func certificatesThatChange() async throws {
        let directory = try TemporaryDirectory()
        try await makeCertificate(in: directory)
        var options = EtcdServer.Options()
        options.tls = EtcdServer.TLS(
            certificate: directory.path("cert.pem"),
            key: directory.path("key.pem"),
            trustedCA: directory.path("cert.pem")
        )
        try await EtcdFleet.with(options, settings: ["registry.etcd.tls.ca=\(directory.path("cert.pem"))"]) { fleet in
            try await fleet.survives { fleet in
                // No client trusts both certificates.
                try await makeCertificate(in: directory)
                try await fleet.etcd.kill()
                try await fleet.etcd.start()
                try await fleet.etcd.waitUntilReady()
            }
        }
    }

    private func makeCertificate(in directory: TemporaryDirectory) async throws {
        try await openSSL(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=etcd", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-keyout", directory.path("key.pem"), "-out", directory.path("cert.pem")
        )
    }

    private func openSSL(_ arguments: String...) async throws {
        let openssl = try await RunningProgram.run("/usr/bin/env", ["openssl"] + arguments)
        try #require(openssl.exit == .exited(0), "openssl \(arguments): \(openssl.errors)")
    }
}
