import ServiceKitConfig
import Testing

@testable import ServiceKit

@Suite struct AddressTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.0.0/9", "10.127.0.1", true),
        ("10.1.0.0/9", "10.128.0.1", false), ("0.0.0.0/0", "203.0.113.9", true), ("10.0.0.7", "10.0.0.7", true),
        ("10.0.0.7", "10.0.0.6", false), ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe80::1", false),
        ("0.0.0.0/0", "::1", false), ("::/0", "10.0.0.1", false), ("10.0.0.0/8", "users", false),
    ])
    func networkContainsItsAddresses(network: String, address: String, expected: Bool) throws {
        #expect(try #require(CIDR(network)).contains(address) == expected)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0", "::/129",
        "users/8",
    ])
    func malformedNetworkIsRefused(text: String) {
        #expect(CIDR(text) == nil)
    }

    @Test func addressesAreClassified() {
        for host in ["0.0.0.0", "::", "0:0:0:0:0:0:0:0"] { #expect(HostAddress.isWildcard(host)) }
        for host in ["127.0.0.1", "127.255.0.1", "::1", "localhost", "LocalHost"] {
            #expect(HostAddress.isLoopback(host))
        }
        for host in ["169.254.0.1", "fe80::1", "127.0.0.1", "::", "0.0.0.0"] { #expect(!HostAddress.isRoutable(host)) }
        for host in ["10.0.0.1", "203.0.113.1", "2001:db8::1", "fd00::1"] {
            #expect(HostAddress.isRoutable(host) && !HostAddress.isWildcard(host) && !HostAddress.isLoopback(host))
        }
        #expect(HostAddress.isIPAddress("::1") && HostAddress.isIPAddress("10.0.0.1"))
        #expect(!HostAddress.isIPAddress("10.0.0.1/8") && !HostAddress.isIPAddress("users"))
    }

    @Test(arguments: [
        ("0.0.0.0:9000", ListenAddress.tcp(host: "0.0.0.0", port: 9000), "0.0.0.0:9000"),
        (":9000", .tcp(host: "0.0.0.0", port: 9000), "0.0.0.0:9000"),
        ("[::]:9000", .tcp(host: "::", port: 9000), "[::]:9000"),
        ("localhost:0", .tcp(host: "localhost", port: 0), "localhost:0"),
        ("unix:/run/user.sock", .unix(path: "/run/user.sock"), "unix:/run/user.sock"),
    ])
    func listenAddressesAreRead(text: String, expected: ListenAddress, written: String) throws {
        let configuration = try Configuration(yaml: "listen: '\(text)'")
        #expect(try configuration.decode(ListenAddress.self, at: "listen") == expected)
        #expect(expected.description == written)
        #expect(ListenAddress(written) == expected)
    }

    @Test(arguments: [
        "", "9000", "host", "host:", "host:65536", "host:-1", "host:+1", "host:9o", "::1:9000", "[::1]", "[host]:9000",
        "a b:9000", "a/b:9000", "a[b:9000", "[[::1]]:9000", "unix:", "http://host:80",
    ])
    func malformedListenAddressIsRefused(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test func malformedListenAddressNamesItsPlace() throws {
        let configuration = try Configuration(yaml: "server:\n  listen: nowhere", origin: "c.yaml")
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.decode(ListenAddress.self, at: "server.listen")
        }
        #expect(
            error?.description == "c.yaml:2:11: server.listen: \"nowhere\" is no address to listen on; "
                + "write host:port as in 0.0.0.0:9000, or unix:/path"
        )
    }

    @Test func generatedInstanceIDsAreValidAndUnique() throws {
        let ids = Set((0..<100).map { _ in InstanceID.random() })
        #expect(ids.count == 100)
        for id in ids { try ServiceInstance(id: id, name: "user").validate() }
    }
}
