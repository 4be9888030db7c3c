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
        Case(advertise: "", expected: "server.grpc.advertise is \"\", which is neither a host nor host:port"),
        Case(advertise: "a b", expected: "server.grpc.advertise is \"a b\", which is neither"),
        Case(advertise: "host:0", expected: "server.grpc.advertise is \"host:0\", which is neither"),
        Case(advertise: "host:70000", expected: "server.grpc.advertise is \"host:70000\", which is neither"),
        Case(advertise: "http://host:80", expected: "server.grpc.advertise is \"http://host:80\", which is neither"),
        Case(advertise: "host/path", expected: "server.grpc.advertise is \"host/path\", which is neither"),
        Case(advertise: "host?isSecure=true", expected: "server.grpc.advertise is \"host?isSecure=true\", which is"),
        Case(advertise: "0.0.0.0", expected: "server.grpc.advertise is 0.0.0.0, which nobody can connect to"),
        Case(advertise: "[::]:9000", expected: "server.grpc.advertise is [::]:9000, which nobody can connect to"),
        Case(advertise: "0::0", expected: "server.grpc.advertise is 0::0, which nobody can connect to"),
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
        Case(options: "host: 0.0.0.0", expected: "app.advertise.host is 0.0.0.0, which nobody can connect to"),
        Case(options: "interface: eth0", environment: podIP, expected: "grpc://10.9.9.9:9000"),
        Case(bound: "::", environment: ["POD_IP": "fd00::9"], expected: "grpc://[fd00::9]:9000"),
        Case(environment: ["POD_IP": "?"], expected: "the environment variable POD_IP is \"?\", which is neither"),
        Case(options: "interface: docker0", environment: ["POD_IP": ""], expected: "grpc://172.17.0.1:9000"),
        Case(options: "cidr: 10.0.0.0/8", expected: "grpc://10.1.2.3:9000"),
        Case(options: "family: ipv6", expected: "grpc://[fd00::3]:9000"),
        Case(options: "family: ipv6, cidr: 'fd00::/8'", expected: "grpc://[fd00::3]:9000"),
        Case(options: "cidr: 10.0.0.0/33", expected: "app.advertise.cidr is \"10.0.0.0/33\", which is no network"),
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
        let configuration = try Configuration(yaml: "advertise: {\(test.options)}")
        return AddressAdvertiser(
            options: try configuration.decode(AdvertiseOptions.self, at: "advertise"),
            reach: test.reach,
            environment: test.environment,
            interfaces: { interfaces },
            logger: log.logger()
        )
    }

    @Test(arguments: cases)
    func advertisedEndpointFollowsTheConfiguration(_ test: Case) throws {
        let advertiser = try Self.advertiser(test)
        let bound = Endpoint(scheme: "grpc", host: test.bound, port: 9000)
        do {
            let endpoints = try advertiser.endpoints(for: [bound], of: "grpc", advertise: test.advertise)
            #expect(endpoints.map(\.description) == [test.expected])
        } catch {
            #expect("\(error)".hasPrefix(test.expected))
        }
    }

    @Test func everyServerAddressHasAnEndpoint() throws {
        let advertiser = try Self.advertiser(Case(expected: ""))
        let bound = [("grpc", 9000), ("http", 8000)].map { Endpoint(scheme: $0, host: "0.0.0.0", port: $1) }
        func texts(_ advertise: String?) throws -> [String] {
            try advertiser.endpoints(for: bound, of: "web", advertise: advertise).map(\.description)
        }
        #expect(try texts(nil) == ["grpc://10.1.2.3:9000", "http://10.1.2.3:8000"])
        #expect(try texts("a.example") == ["grpc://a.example:9000", "http://a.example:8000"])
        #expect(try texts("a.example:1") == ["grpc://a.example:1", "http://a.example:1"])
        #expect(try advertiser.endpoints(for: [], of: "web", advertise: nil).isEmpty)
    }

    @Test func onePortForTwoAddressesOfASchemeIsRefused() throws {
        let advertiser = try Self.advertiser(Case(expected: ""))
        let bound = [9000, 9001].map { Endpoint(scheme: "grpc", host: "0.0.0.0", port: $0) }
        let error = #expect(throws: AppError.self) {
            try advertiser.endpoints(for: bound, of: "grpc", advertise: "a.example:1")
        }
        #expect(error?.message.hasSuffix("give a host without a port") == true)
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
