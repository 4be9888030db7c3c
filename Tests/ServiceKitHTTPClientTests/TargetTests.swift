import Foundation
import HTTPTypes
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitHTTPClient

/// The targets of clients: names, URLs, and TLS.
@Suite(.timeLimit(.minutes(3)))
struct TargetTests {
    private let fleet = TestFleet()

    private func port(_ fleet: TestFleet) async throws -> Int {
        let instances = try await fleet.registry.instances(of: "test")
        let endpoints = instances.flatMap(\.endpoints)
        return try #require(endpoints.first { $0.scheme.hasPrefix("http") }).port
    }

    @Test func serverIsNamedByItsURL() async throws {
        let routes: TestFleet.Routes = { app, _ in
            app.http.get("/base/who") { _ in RouteResponse(text: "here") }
            app.http.get("/base/moved") { _ in RouteResponse(.found, headers: [.location: "/base/who"]) }
        }
        try await fleet.serving("a", routes: routes) {
            let url = "http://127.0.0.1:\(try await port(fleet))/base/"
            let client = try ServiceHTTPClient(to: url, configuration: Configuration())
            try await client.withConnections {
                try await client.expect("here")
                // A redirect is followed.
                try await client.expect("here", .get, "/moved")
            }
            // Not to an unknown server, when the service was named.
            try await fleet.calling { client in
                let status = try await client.send(.get, "/base/moved").status
                #expect(status == .found)
            }
        }
    }

    @Test(arguments: [
        "http://", "https://user:secret@api.example.com/", "http://api.example.com/?a=1", "http://api.example.com/#a",
    ])
    func urlThatNamesNoServerIsRefused(_ url: String) async throws {
        let error = #expect(throws: AppError.self) { try HTTPOrigin(url) }
        #expect("\(String(describing: error))".contains("is no URL of a server"))
        #expect(!"\(String(describing: error))".contains("secret"))
    }

    @Test(arguments: [
        ("https://api.example.com", "api.example.com", ""), ("HTTP://127.0.0.1:81/a/b/", "127.0.0.1", "/a/b"),
        ("http://[::1]:80/", "--1", ""),
    ])
    func urlHasANameAndAPath(_ url: String, _ name: String, _ path: String) throws {
        let origin = try #require(try HTTPOrigin(url))
        #expect(origin.name == name)
        #expect(origin.path == path)
        _ = try origin.discoverer(fleet.log.logger())
    }

    @Test(arguments: ["user-service", "etcd:///user-service", "discovery:///user-service"])
    func nameIsNoURL(_ target: String) throws {
        #expect(try HTTPOrigin(target) == nil)
    }

    @Test func theAppRunsItsClients() async throws {
        try await fleet.serving("a") {
            let app = try App(
                configuration: Configuration(
                    yaml: "app: {name: caller}\nclients: {test: {balancer: round_robin}}\nshutdown: {lame-duck: 0}"),
                registry: fleet.registry,
                logger: fleet.log.logger(),
                environment: [:]
            )
            let client = try app.httpClient("test")
            #expect(try app.httpClient("test") === client)
            let byURL = try app.httpClient("http://127.0.0.1:\(try await port(fleet))")
            try await withRunning(app) {
                try await client.expect("a")
                try await byURL.expect("a")
                #expect(client.core.options.balancer == "round_robin")
                let error = #expect(throws: AppError.self) { try app.httpClient("another") }
                #expect("\(String(describing: error))".contains("ask for the HTTP client of another before"))
                #expect(app.snapshot().channels.map(\.service).sorted() == ["127.0.0.1", "test"])
            }
        }
    }

    // MARK: - TLS

    private func yaml(_ files: TestCertificates, _ name: String = "server") -> String {
        "server: {grpc: {tls: {certificate: \(files.path("\(name).pem")), key: \(files.path("\(name).key")), "
            + "client-ca: \(files.path("authority.pem"))}}}"
    }

    @Test func mutualTLSIsSpoken() async throws {
        try await TestCertificates.with { files in
            try await fleet.serving("a", yaml: yaml(files)) {
                let options = ChannelOptions.with {
                    $0.tls.ca = files.path("authority.pem")
                    $0.tls.certificate = files.path("client.pem")
                    $0.tls.key = files.path("client.key")
                }
                try await fleet.calling(options) { client in
                    try await client.expect("a")
                }
                // Without a certificate of its own it is refused.
                try await fleet.calling(.with { $0.tls.ca = files.path("authority.pem") }) { client in
                    let failure = await client.failure { _ = try await $0.send(.get, "/who", timeout: .seconds(30)) }
                    #expect(failure?.code == .unavailable || failure?.code == .deadlineExceeded)
                }
            }
        }
    }

    /// As the gRPC channel does: the client runs on, its next connections are made with the new files.
    @Test func filesAreReadAgain() async throws {
        try await TestCertificates.with { files in
            func install(_ source: String, as name: String) throws {
                let bytes = try Data(contentsOf: URL(filePath: files.path(source)))
                try bytes.write(to: URL(filePath: files.path(name)), options: .atomic)
            }
            try install("authority.pem", as: "ca.pem")
            // The server does not know who has signed this one.
            try install("stranger.pem", as: "mine.pem")
            try install("stranger.key", as: "mine.key")
            let options = ChannelOptions.with {
                $0.tls.ca = files.path("ca.pem")
                $0.tls.certificate = files.path("mine.pem")
                $0.tls.key = files.path("mine.key")
            }
            try await fleet.serving("a", yaml: yaml(files)) {
                try await fleet.calling(options) { client in
                    let failure = await client.failure { _ = try await $0.send(.get, "/who", timeout: .seconds(10)) }
                    #expect(failure != nil)
                    // Half of a pair cannot be used: that is logged, and the last good files stay.
                    try install("client.pem", as: "mine.pem")
                    try await eventually {
                        _ = try? await client.send(.get, "/who", timeout: .milliseconds(100))
                        return fleet.log.entries.contains { $0.message.contains("cannot be used") }
                    }
                    try install("client.key", as: "mine.key")
                    try await eventually { (try? await client.text()) == "a" }
                    #expect(fleet.log.entries.contains { $0.message == "certificates were loaded again" })
                }
            }
        }
    }

    @Test func certificateMustHaveTheServersName() async throws {
        try await TestCertificates.with { files in
            try await fleet.serving("a", yaml: yaml(files, "elsewhere")) {
                func options(_ name: String?) -> ChannelOptions {
                    .with {
                        $0.tls.ca = files.path("authority.pem")
                        $0.tls.certificate = files.path("client.pem")
                        $0.tls.key = files.path("client.key")
                        $0.tls.serverName = name
                    }
                }
                try await fleet.calling(options(nil)) { client in
                    let failure = await client.failure { _ = try await $0.send(.get, "/who", timeout: .seconds(30)) }
                    #expect(failure?.code == .unavailable)
                }
                try await fleet.calling(options("elsewhere.example")) { client in
                    try await client.expect("a")
                }
            }
        }
    }

    @Test func fileThatCannotBeReadIsNamed() throws {
        let options = ChannelOptions.with { $0.tls.ca = "/nowhere/ca.pem" }
        let error = #expect(throws: ConfigurationError.self) {
            try ServiceHTTPClient(to: "test", discoverer: MemoryRegistry(), options: options)
        }
        #expect("\(String(describing: error))".contains("client.tls.ca"))
    }
}
