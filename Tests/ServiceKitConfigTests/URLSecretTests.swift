import Testing

@testable import ServiceKitConfig

/// No text for people contains the secrets of URLs.
@Suite struct URLSecretTests {
    @Test(arguments: [
        ("amqp://u:p@h:5672/", "amqp://u:***@h:5672/"),
        ("redis://:p@h:6379/0", "redis://:***@h:6379/0"),
        ("https://token@h/path", "https://***@h/path"),
        ("cannot use \"http://u:p@a\": or 'http://v:q@b/'", "cannot use \"http://u:***@a\": or 'http://v:***@b/'"),
        ("http://u:p@ss/w@rd@h:1", "http://u:***@h:1"),
        ("http://h/?user=u&password=p&x=1 and more", "http://h/?user=u&password=***&x=1 and more"),
        ("ws://h:1/?access_token=p", "ws://h:1/?access_token=***"),
        ("a http://u:p@h", "a http://u:***@h"),
    ])
    func areMasked(_ text: String, _ masked: String) {
        #expect(URLSecrets.masked(text) == masked)
        #expect(ConfigurationError(message: text).message == masked)
    }

    @Test(arguments: [
        "", "://", "grpc://127.0.0.1:9000", "http://[::1]:8000/a@b", "https://h/@scope/package", "https://h:80/a@b",
        "somebody@example.com", "https://h/?x=1&y=2#z", "a: b@c",
    ])
    func otherTextStays(_ text: String) {
        #expect(URLSecrets.masked(text) == text)
    }

    @Test(arguments: [("u:p@h:2379", "u:***@h:2379"), ("h:2379", "h:2379"), ("grpc://u:p@h", "grpc://u:***@h")])
    func anAddressNeedsNoScheme(_ text: String, _ masked: String) {
        #expect(URLSecrets.masked(address: text) == masked)
    }

    @Test(arguments: [
        ("http://u:p@h", true), ("u:p@h:2379", true), ("[a, 'u:p@h']", true), ("http://h/?token=p", true),
        ("a@b.c", false), ("key: a@b.c", false), ("http://h/?x=1", false), ("10.0.0.7:9000", false),
    ])
    func valuesWithThemAreNotShown(_ value: String, _ isHidden: Bool) {
        #expect(SecretKeys.mustHide(value, at: "registry.etcd.endpoints") == isHidden)
    }
}
