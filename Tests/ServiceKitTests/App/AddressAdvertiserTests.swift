import Logging
import ServiceKitConfig
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// The endpoints that a server advertises.
@Suite struct AddressAdvertiserTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var bound = "0.0.0.0"
        var reach = RegistryReach.network
        var advertise: String?
        var options = ""
        var environment: [String: String] = [:]
        /// An endpoint, or how the error begins.
        let expected: String

        var testDescription: String {
            "\(bound), \(reach), \(advertise ?? "-"), {\(options)} \(environment) → \(expected)"
        }
    }

    static let interfaces = [
        InterfaceAddress(interface: "lo", address: "127.0.0.1"),
        InterfaceAddress(interface: "lo", address: "::1"),
        InterfaceAddress(interface: "eth0", address: "10.1.2.3"),
        InterfaceAddress(interface: "eth0", address: "fe80::1"),
        InterfaceAddress(interface: "eth0", address: "fd00::3"),
        InterfaceAddress(interface: "eth1", address: "169.254.9.9"),
        InterfaceAddress(interface: "docker0", address: "172.17.0.1"),
    ]

    static let podIP = ["POD_IP": "10.9.9.9"]

    static let cases = [
        // An endpoint that the server itself names comes first.
        Case(advertise: "users.example.com", environment: podIP, expected: "grpc://users.example.com:9000"),
        Case(advertise: "users.example.com:443", expected: "grpc://users.example.com:443"),
        Case(advertise: "192.0.2.1", expected: "grpc://192.0.2.1:9000"),
        Case(advertise: "192.0.2.1:1", expected: "grpc://192.0.2.1:1"),
        Case(advertise: "2001:db8::1", expected: "grpc://[2001:db8::1]:9000"),
        Case(advertise: "[2001:db8::1]", expected: "grpc://[2001:db8::1]:9000"),
        Case(advertise: "[2001:db8::1]:443", expected: "grpc://[2001:db8::1]:443"),
        Case(bound: "127.0.0.1", advertise: "127.0.0.1", expected: "grpc://127.0.0.1:9000"),
        Case(advertise: "", expected: "inline:1:28: server.grpc.advertise: \"\" is neither a host nor host:port"),
        Case(advertise: "a b", expected: "inline:1:28: server.grpc.advertise: \"a b\" is neither a host nor host:port"),
        Case(
            advertise: "host:0",
            expected: "inline:1:28: server.grpc.advertise: \"host:0\" is neither a host nor host:port"),
        Case(
            advertise: "host:70000",
            expected: "inline:1:28: server.grpc.advertise: \"host:70000\" is neither a host nor host:port"),
        Case(
            advertise: "http://host:80",
            expected: "inline:1:28: server.grpc.advertise: \"http://host:80\" is neither a host nor host:port"),
        Case(
            advertise: "host/path",
            expected: "inline:1:28: server.grpc.advertise: \"host/path\" is neither a host nor host:port"),
        Case(
            advertise: "host?isSecure=true",
            expected: "inline:1:28: server.grpc.advertise: \"host?isSecure=true\" is neither a host nor host:port"),
        Case(advertise: "0.0.0.0", expected: "inline:1:28: server.grpc.advertise: nobody can connect to 0.0.0.0"),
        Case(advertise: "[::]:9000", expected: "inline:1:28: server.grpc.advertise: nobody can connect to [::]:9000"),
        Case(advertise: "0::0", expected: "inline:1:28: server.grpc.advertise: nobody can connect to 0::0"),
        // A listener on one address advertises that address.
        Case(bound: "192.0.2.7", options: "host: other", environment: podIP, expected: "grpc://192.0.2.7:9000"),
        Case(bound: "127.0.0.1", reach: .machine, expected: "grpc://127.0.0.1:9000"),
        Case(bound: "::1", reach: .machine, expected: "grpc://[::1]:9000"),
        Case(bound: "127.0.0.1", expected: "the grpc server listens on 127.0.0.1:9000, which other hosts cannot reach"),
        Case(bound: "127.8.0.1", expected: "the grpc server listens on 127.8.0.1:9000, which other hosts"),
        Case(bound: "::1", expected: "the grpc server listens on [::1]:9000, which other hosts cannot reach"),
        Case(bound: "localhost", expected: "the grpc server listens on localhost:9000, which other hosts"),
        // A listener on every interface: host, POD_IP, interfaces.
        Case(options: "host: users.example.com", environment: podIP, expected: "grpc://users.example.com:9000"),
        Case(options: "host: 0.0.0.0", expected: "inline:1:25: app.advertise.host: nobody can connect to 0.0.0.0"),
        Case(options: "interface: eth0", environment: podIP, expected: "grpc://10.9.9.9:9000"),
        Case(bound: "::", environment: ["POD_IP": "fd00::9"], expected: "grpc://[fd00::9]:9000"),
        Case(environment: ["POD_IP": "?"], expected: "the environment variable POD_IP: \"?\" is neither"),
        Case(options: "interface: docker0", environment: ["POD_IP": ""], expected: "grpc://172.17.0.1:9000"),
        Case(options: "cidr: 10.0.0.0/8", expected: "grpc://10.1.2.3:9000"),
        Case(options: "family: ipv6", expected: "grpc://[fd00::3]:9000"),
        Case(options: "family: ipv6, cidr: 'fd00::/8'", expected: "grpc://[fd00::3]:9000"),
        Case(options: "cidr: 10.0.0.0/33", expected: "inline:1:25: app.advertise.cidr: \"10.0.0.0/33\" is no network"),
        Case(options: "cidr: 192.168.0.0/16", expected: "no address to register for the grpc server"),
        Case(options: "interface: eth1", expected: "no address to register for the grpc server"),
        Case(options: "interface: eth9", expected: "no address to register for the grpc server"),
        // Processes of this machine reach it by the loopback address.
        Case(reach: .machine, expected: "grpc://127.0.0.1:9000"),
        Case(bound: "::", reach: .machine, expected: "grpc://[::1]:9000"),
        Case(reach: .machine, options: "interface: eth0", expected: "grpc://10.1.2.3:9000"),
        Case(reach: .machine, options: "cidr: 172.16.0.0/12", expected: "grpc://172.17.0.1:9000"),
    ]

    static func advertiser(_ test: Case, log: LogRecorder = LogRecorder()) throws -> AddressAdvertiser {
        let configuration = try Configuration(yaml: "app: {advertise: {\(test.options)}}")
        return AddressAdvertiser(
            options: try configuration.decode(AdvertiseOptions.self, at: "app.advertise"),
            configuration: configuration,
            reach: test.reach,
            environment: test.environment,
            interfaces: { interfaces },
            logger: log.logger()
        )
    }

    /// The option `advertise` of a server, as an App reads it.
    static func option(_ text: String?, of server: String) throws -> AdvertisedAddress? {
        let yaml = text.map { "server: {\(server): {advertise: \"\($0)\"}}" } ?? ""
        return try Configuration(yaml: yaml).advertised(by: server)
    }

    @Test(arguments: cases)
    func advertisedEndpointFollowsTheConfiguration(_ test: Case) throws {
        let bound = Endpoint(scheme: "grpc", host: test.bound, port: 9000)
        do {
            let advertise = try Self.option(test.advertise, of: "grpc")
            let endpoints = try Self.advertiser(test).endpoints(for: [bound], of: "grpc", advertise: advertise)
            #expect(endpoints.map(\.description) == [test.expected])
        } catch {
            #expect("\(error)".hasPrefix(test.expected))
        }
    }

    @Test func everyServerAddressHasAnEndpoint() throws {
        let advertiser = try Self.advertiser(Case(expected: ""))
        let bound = [("grpc", 9000), ("http", 8000)].map { Endpoint(scheme: $0, host: "0.0.0.0", port: $1) }
        func texts(_ advertise: String?) throws -> [String] {
            try advertiser.endpoints(for: bound, of: "web", advertise: Self.option(advertise, of: "web")).map(
                \.description)
        }
        #expect(try texts(nil) == ["grpc://10.1.2.3:9000", "http://10.1.2.3:8000"])
        #expect(try texts("a.example") == ["grpc://a.example:9000", "http://a.example:8000"])
        #expect(try texts("a.example:1") == ["grpc://a.example:1", "http://a.example:1"])
        #expect(try advertiser.endpoints(for: [], of: "web", advertise: nil).isEmpty)
    }

    @Test func onePortForTwoAddressesOfASchemeIsRefused() throws {
        let bound = [9000, 9001].map { Endpoint(scheme: "grpc", host: "0.0.0.0", port: $0) }
        let yaml = "server:\n  grpc:\n    advertise: a.example:1"
        let configuration = try Configuration(yaml: yaml, origin: "app.yaml")
        let advertiser = AddressAdvertiser(
            options: AdvertiseOptions(),
            configuration: configuration,
            reach: .network,
            environment: [:],
            interfaces: { [] },
            logger: LogRecorder().logger()
        )
        let error = #expect(throws: ConfigurationError.self) {
            try advertiser.endpoints(for: bound, of: "grpc", advertise: configuration.advertised(by: "grpc"))
        }
        #expect(
            error?.description
                == "app.yaml:3:16: server.grpc.advertise: a.example:1 is one address, and the server listens on 2; "
                + "write a host without a port"
        )
    }

    @Test func severalAddressesGiveAWarning() throws {
        let log = LogRecorder()
        let advertiser = try Self.advertiser(Case(expected: ""), log: log)
        let bound = Endpoint(scheme: "grpc", host: "0.0.0.0", port: 9000)
        #expect(try advertiser.endpoints(for: [bound], of: "grpc", advertise: nil).map(\.host) == ["10.1.2.3"])
        #expect(
            log.entries.map(\.description) == [
                "warning: several addresses could be registered; set app.advertise to choose "
                    + "chosen=10.1.2.3 (eth0) others=172.17.0.1 (docker0) server=grpc"
            ]
        )
    }

    @Test func singleAddressGivesNoWarning() throws {
        let log = LogRecorder()
        let advertiser = try Self.advertiser(Case(options: "interface: eth0", expected: ""), log: log)
        _ = try advertiser.endpoints(for: [Endpoint(scheme: "grpc", host: "::", port: 1)], of: "grpc", advertise: nil)
        #expect(log.entries.isEmpty)
    }

    @Test func missingAddressNamesInterfacesAndRemedies() throws {
        let advertiser = try Self.advertiser(Case(options: "interface: eth9", expected: ""))
        let bound = Endpoint(scheme: "grpc", host: "0.0.0.0", port: 9000)
        let error = #expect(throws: AppError.self) {
            try advertiser.endpoints(for: [bound], of: "grpc", advertise: nil)
        }
        let message = try #require(error?.message)
        for part in ["10.1.2.3 (eth0)", "app.advertise.host", "POD_IP", "server.grpc.advertise"] {
            #expect(message.contains(part))
        }
    }

    @Test func loopbackInterfaceIsFound() throws {
        #expect(try InterfaceAddress.all().contains { HostAddress.isLoopback($0.address) })
    }
}
