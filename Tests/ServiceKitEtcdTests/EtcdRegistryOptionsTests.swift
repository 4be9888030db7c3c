import EtcdClient
import Foundation
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import ServiceKitEtcd

/// The section `registry.etcd`.
struct EtcdRegistryOptionsTests {
    private func options(_ yaml: String) throws -> EtcdRegistryOptions {
        try Configuration(yaml: "registry: {etcd: \(yaml)}").decode(EtcdRegistryOptions.self, at: "registry.etcd")
    }

    @Test func emptySectionGivesTheDefaults() throws {
        let options = try options("{}")
        #expect(options == EtcdRegistryOptions())
        let config = try options.clientConfig()
        #expect(config.endpoints.map(\.description) == ["http://127.0.0.1:2379"])
        #expect(config.credentials == nil)
        #expect(config.requestTimeout == .seconds(5))
    }

    @Test func everyKeyIsRead() throws {
        let options = try options(
            """
            {endpoints: [https://a:2379, https://b:2380], namespace: /prod, ttl: 30s, layout: grpc-naming,
             username: root, password: secret, dial-timeout: 2s, request-timeout: 3s,
             tls: {ca: ca.pem, certificate: cert.pem, key: key.pem, server-name: etcd.example}}
            """
        )
        #expect(options.layout == .grpcNaming)
        #expect(options.namespace == "/prod")
        let config = try options.clientConfig()
        #expect(config.endpoints.map(\.description) == ["https://a:2379", "https://b:2380"])
        #expect(config.credentials?.username == "root")
        #expect(config.credentials?.password == "secret")
        #expect(config.dialTimeout == .seconds(2))
    }

    @Test func passwordIsReadFromAFile() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("secret\nmore\n", to: "password")
        #expect(try options("{username: u, password-file: \(path)}").clientConfig().credentials?.password == "secret")
    }

    /// The file may have the form that an editor or a shell gives it.
    @Test func passwordFileMustBeUTF8() throws {
        let directory = try TemporaryDirectory()
        let marked = try directory.write("\u{FEFF}secret\r\n", to: "marked")
        let options = try options("{username: u, password-file: \(marked)}")
        #expect(try options.clientConfig().credentials?.password == "secret")
        for (index, bytes) in [[0xFF, 0xFE, 0x73, 0], [0x73, 0, 0x0A, 0], [0xE9, 0x0A]].enumerated() {
            let path = directory.path("file\(index)")
            try Data(bytes.map { UInt8($0) }).write(to: URL(filePath: path))
            let options = try self.options("{username: u, password-file: \(path)}")
            let error = #expect(throws: ConfigurationError.self) { try options.clientConfig() }
            #expect(error?.message == "\(path) is not text in UTF-8; save it as UTF-8")
        }
    }

    @Test(arguments: [
        ("{endpoints: []}", "registry.etcd.endpoints"),
        ("{endpoints: [ftp://x]}", "registry.etcd.endpoints"),
        ("{endpoints: ['http://x:99999']}", "registry.etcd.endpoints"),
        ("{ttl: 1s}", "registry.etcd.ttl"),
        ("{ttl: 2h}", "registry.etcd.ttl"),
        ("{request-timeout: 0s}", "registry.etcd.request-timeout"),
        ("{namespace: /prod/}", "registry.etcd.namespace"),
        ("{username: u}", "registry.etcd.password"),
        ("{password: p}", "registry.etcd.username"),
        ("{username: u, password: p, password-file: f}", "registry.etcd.password-file"),
        ("{username: u, password-file: /no/such/file}", "registry.etcd.password-file"),
        ("{tls: {ca: ca.pem}}", "registry.etcd.tls"),
        ("{endpoints: ['https://a'], tls: {certificate: c.pem}}", "registry.etcd.tls.key"),
        ("{endpoints: ['https://a'], tls: {key: k.pem}}", "registry.etcd.tls.certificate"),
    ])
    func mistakeNamesItsKey(_ yaml: String, _ key: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try options(yaml).clientConfig() }
        #expect(error?.keyPath == key)
    }

    @Test func anUnknownLayoutIsRefusedWithAList() throws {
        let error = #expect(throws: ConfigurationError.self) { try options("{layout: consul}") }
        #expect(error?.description.contains("kratos") == true)
    }

    /// This line alone swaps the registry.
    @Test func thePluginIsPickedByItsName() throws {
        let configuration = try Configuration(yaml: "registry: {backend: etcd, file: {directory: /tmp}}")
        let backends = RegistryBackends(plugins: [.etcd])
        #expect(backends.names == ["etcd", "file", "memory", "static"])
        let registry = try backends.make("etcd", configuration: configuration, logger: .init(label: "test"))
        #expect(registry is EtcdRegistry)
        #expect(registry.reach == .network)
    }
}
