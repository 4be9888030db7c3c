import GRPCNghttp2Transport
import Testing

@testable import EtcdClient

struct EtcdEndpointTests {
    @Test(arguments: [
        ("http://127.0.0.1:2379", EtcdEndpoint(host: "127.0.0.1", port: 2379)),
        ("https://etcd.example:4001", EtcdEndpoint(host: "etcd.example", port: 4001, isSecure: true)),
        ("https://etcd-0.etcd", EtcdEndpoint(host: "etcd-0.etcd", port: 2379, isSecure: true)),
        ("http://host:2379/", EtcdEndpoint(host: "host", port: 2379)),
        ("host", EtcdEndpoint(host: "host", port: 2379)),
        ("host:1", EtcdEndpoint(host: "host", port: 1)),
        ("host:65535", EtcdEndpoint(host: "host", port: 65535)),
        ("[::1]", EtcdEndpoint(host: "::1", port: 2379)),
        ("[fe80::1%eth0]:80", EtcdEndpoint(host: "fe80::1%eth0", port: 80)),
        ("https://[2001:db8::2]:2379/", EtcdEndpoint(host: "2001:db8::2", port: 2379, isSecure: true)),
    ])
    func validTextIsParsed(text: String, endpoint: EtcdEndpoint) throws {
        #expect(try EtcdEndpoint(text) == endpoint)
    }

    @Test(arguments: [
        "", "/", ":", ":2379", "http://", "http://:2379", "ftp://host:2379", "://host", "unix:///run/etcd.sock",
        "host:", "host:0", "host:65536", "host:-1", "host:+1", "host:http", "host:23:79", "host: 2379", "host:٢٣",
        "host name", "host/path", "http://host:2379/v3", "http://host//", "user@host:2379", "host?x", "host#x",
        "::1", "[::1", "[::1]2379", "[::1]:", "[]:2379", "[host]:2379", "http://[::1]:port",
    ])
    func invalidTextIsRefused(text: String) throws {
        let error = try #require(throws: EtcdError.self) { try EtcdEndpoint(text) }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains("\"\(text)\" is not an etcd endpoint"))
        #expect(error.message.contains("http://127.0.0.1:2379"), "says how to write one")
    }

    @Test(arguments: ["http://user:hunter2@host:2379", "user:hunter2@host:2379", "https://user:hun:t@er/2@[::1]:2379"])
    func errorMasksThePassword(text: String) throws {
        let error = try #require(throws: EtcdError.self) { try EtcdEndpoint(text) }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains("user:***@"))
        #expect(!error.message.contains("hun"), "\(error.message)")
        #expect(error.message.contains("give user and password apart from it"))
    }

    @Test(arguments: [
        "http://127.0.0.1:2379", "https://etcd.example:4001", "http://[::1]:2379", "https://[fe80::1%eth0]:80",
    ])
    func descriptionParsesToTheSameEndpoint(text: String) throws {
        #expect(try EtcdEndpoint(text).description == text)
    }

    @Test func addressIsIPv4IPv6OrDNS() throws {
        #expect(try EtcdEndpoint("10.1.2.3:4").address == .ipv4(host: "10.1.2.3", port: 4))
        #expect(try EtcdEndpoint("[::1]:4").address == .ipv6(host: "::1", port: 4))
        #expect(try EtcdEndpoint("localhost:4").address == .dns(host: "localhost", port: 4))
        #expect(try EtcdEndpoint("1.2.3:4").address == .dns(host: "1.2.3", port: 4))
        #expect(try EtcdEndpoint("1.2.3.example:4").address == .dns(host: "1.2.3.example", port: 4))
    }
}
