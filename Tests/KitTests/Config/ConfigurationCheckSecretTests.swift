import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitGRPC
import ServiceKitTestSupport
import Testing

@testable import ServiceKit
@testable import ServiceKitCommand

/// What a file or a secret variable brings is in no error, whoever checks it.
@Suite struct ConfigurationCheckSecretTests {
    private static let sections = [
        ("app: {name: SECRET}", "app.name"),
        ("app: {id: SECRET}", "app.id"),
        ("app: {metadata: {weight: SECRET}}", "app.metadata.weight"),
        ("registry: {backend: SECRET}", "registry.backend"),
        ("registry: {etcd: {endpoints: [SECRET]}}", "registry.etcd.endpoints"),
        ("registry: {etcd: {namespace: SECRET}}", "registry.etcd.namespace"),
        ("registry: {static: {services: {user: [SECRET]}}}", "registry.static.services.user[0]"),
        ("client: {balancer: SECRET}", "client.balancer"),
        ("clients: {user: {balancer: SECRET}}", "clients.user.balancer"),
        ("config: {etcd: {prefix: SECRET}}", "config.etcd.prefix"),
        ("config: {etcd: {prefix: /a, connection: {endpoints: [SECRET]}}}", "config.etcd.connection.endpoints"),
        ("server: {grpc: {listen: SECRET}}", "server.grpc.listen"),
        ("log: {level: SECRET}", "log.level"),
    ]

    @Test(arguments: sections, ["\"@file:FILE\"", "\"${A_TOKEN}\""])
    func secretOfAPlaceholderIsNotShown(_ section: (yaml: String, key: String), placeholder: String) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("hunter2 x/\n", to: "secret")
        let yaml = section.yaml.replacing("SECRET", with: placeholder.replacing("FILE", with: file))
        let check = ConfigurationCheck(
            LayerStack(documents: [ConfigurationDocument(origin: "c.yaml", bytes: Array(yaml.utf8))]),
            plugins: [.etcd], variables: ["A_TOKEN": "hunter2 x/"])
        #expect(check.errors.map(\.keyPath) == [section.key])
        #expect(check.errors.allSatisfy { $0.message.contains("(not shown: it may be secret)") }, "\(check.errors)")
        #expect(!"\(check.errors)".contains("hunter2"))
        // A value that is written in the file is shown.
        let plain = try Configuration(yaml: section.yaml.replacing("SECRET", with: "\"hunter2 x/\""))
        let shown = ConfigurationCheck(plain, plugins: [.etcd]).errors
        #expect("\(shown)".contains("hunter2"), "\(shown)")
    }
}
