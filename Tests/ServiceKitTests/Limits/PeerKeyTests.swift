import Testing

@testable import ServiceKit

@Suite struct PeerKeyTests {
    @Test(arguments: [
        ("ipv4:10.0.0.1:5", "ipv4:10.0.0.1:50000"), ("ipv6:[2001:db8::1]:5", "ipv6:[2001:db8::ffff:2]:6"),
        ("ipv6:[2001:db8::1]:5", "ipv6:[2001:0DB8:0:0:1:2:3:4]:6"), ("ipv6:[::ffff:10.0.0.1]:5", "ipv4:10.0.0.1:6"),
        ("ipv6:[::ffff:a00:1]:5", "ipv4:10.0.0.1:6"), ("ipv6:[fe80::1%eth0]:5", "ipv6:[fe80::1%eth0]:6"),
        ("unix:/run/a.sock", "unix:/run/a.sock"), ("", ""),
    ])
    func oneCaller(_ first: String, _ second: String) {
        #expect(PeerKey(first) == PeerKey(second))
    }

    @Test(arguments: [
        ("ipv4:10.0.0.1:5", "ipv4:10.0.0.2:5"), ("ipv6:[2001:db8:0:1::1]:5", "ipv6:[2001:db8:0:2::1]:5"),
        ("ipv6:[::ffff:10.0.0.1]:5", "ipv6:[::ffff:10.0.0.2]:5"), ("ipv6:[::1]:5", "ipv6:[::ffff:0.0.0.0]:5"),
        ("ipv4:0.0.0.0:5", "ipv6:[::]:5"), ("unix:/run/a:1", "unix:/run/a:2"),
        // No addresses, whatever sends them.
        ("ipv4:300.0.0.1:5", "ipv4:300.0.0.2:5"), ("ipv6:[x]:5", "ipv6:[y]:5"), ("ipv6:", "ipv4:"),
        ("ipv4::", "ipv4:"), ("ipv6:[]:1", "ipv6:[:1"), ("ipv6:%:1", "ipv6:]:1"),
    ])
    func twoCallers(_ first: String, _ second: String) {
        #expect(PeerKey(first) != PeerKey(second))
    }

    @Test func longTextIsNoAddress() {
        let text = String(repeating: "1", count: 10_000)
        #expect(PeerKey("ipv6:[\(text)]:5") != PeerKey("ipv6:[\(text)]:6"))
    }
}
