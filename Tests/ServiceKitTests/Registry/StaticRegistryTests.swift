import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitTesting
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StaticRegistryTests {
    let log = LogRecorder()

    func registry(_ services: String) throws -> any Registry {
        let configuration = try Configuration(
            yaml: "registry:\n  static:\n    services:\n" + services,
            origin: "config.yaml"
        )
        return try RegistryBackends.embedded.make("static", configuration: configuration, logger: log.logger())
    }

    /// The checks for a registry that takes no registrations.
    @Test(arguments: [RegistryConformance.Check.unknownService])
    func conforms(_ check: RegistryConformance.Check) async throws {
        try await RegistryConformance(name: "static") { try StaticRegistry(services: [:]) }.run(check)
    }

    @Test func listsConfiguredInstances() async throws {
        let registry = try registry(
            """
                  user-service: [grpc://10.0.0.7:9000, "grpcs://[fd00::8]:9000"]
                  empty: []
            """
        )
        let seven = ServiceInstance(
            id: "grpc://10.0.0.7:9000",
            name: "user-service",
            endpoints: [Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)]
        )
        let eight = ServiceInstance(
            id: "grpcs://[fd00::8]:9000",
            name: "user-service",
            endpoints: [Endpoint(scheme: "grpcs", host: "fd00::8", port: 9000)]
        )
        #expect(try await registry.instances(of: "user-service") == [seven, eight])
        #expect(try await registry.instances(of: "empty") == [])
        var updates = registry.watch("user-service").makeAsyncIterator()
        #expect(await updates.next() == live(seven, eight))
    }

    @Test func servicesWithAnAddressAreListed() async throws {
        let registry = try registry(
            """
                  user: [grpc://10.0.0.7:9000]
                  admin: [grpc://10.0.0.8:9000]
                  empty: []
            """
        )
        #expect(try await registry.services() == ["admin", "user"])
        #expect(!(registry as any Registry is any RegistryOperator))
    }

    @Test func watchPublishesOnceAndStaysOpen() async throws {
        let registry = try registry("      user: [grpc://10.0.0.7:9000]")
        let seen = Watched(0)
        let reader = Task {
            for await _ in registry.watch("user") { seen.update { $0 += 1 } }
        }
        _ = await seen.first { $0 == 1 }
        reader.cancel()
        await reader.value
        #expect(seen.value == 1)
    }

    @Test func unlistedServiceIsLogged() async throws {
        let registry = try registry("      user: [grpc://10.0.0.7:9000]")
        var updates = registry.watch("admin").makeAsyncIterator()
        #expect(await updates.next() == live())
        #expect(log.entries.map(\.metadata) == [["service": "admin"]])
    }

    @Test func registrationDoesNothingAndIsLoggedOnce() async throws {
        let registry = try registry("      user: [grpc://10.0.0.7:9000]")
        for id in ["a", "b"] {
            let registration = try await registry.registered(instance(id))
            #expect(registration.state.value == .registered)
            try await registration.update(instance(id, version: "2"))
            #expect(registration.instance == instance(id, version: "2"))
            try await registration.deregister()
            await #expect(throws: RegistryError.self) { try await registration.update(instance(id)) }
            await registration.release()
            #expect(registration.state.value == .deregistered)
        }
        #expect(try await registry.instances(of: "user").map(\.id) == ["grpc://10.0.0.7:9000"])
        #expect(log.entries.map(\.level) == [.notice])
        #expect(log.entries.first?.message.contains("takes no registrations") == true)
        await #expect(throws: RegistryError.self) { try await registry.registered(instance("")) }
    }

    @Test(arguments: [
        (
            "      user:\n        - 127.0.0.1:9000",
            "config.yaml:5:11: registry.static.services.user[0]: \"127.0.0.1:9000\" is no endpoint; write "
                + "scheme://host:port, as in grpc://10.0.0.7:9000"
        ),
        (
            "      user: [grpc://a:1, grpc://a:1]",
            "config.yaml:4:13: registry.static.services.user: grpc://a:1 is listed twice; remove one"
        ),
        (
            "      us er: [grpc://a:1]",
            "config.yaml:4:14: registry.static.services.us er: service name \"us er\" is not valid; use 1 to 250 of "
                + "a-z A-Z 0-9 . _ - and no dot at the start"
        ),
    ])
    func invalidOptionsNameTheirPlace(_ services: String, _ message: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try registry(services) }
        #expect(error?.description == message)
    }
}
