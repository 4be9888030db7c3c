import Testing

@testable import EtcdClient

@Suite struct LeaseTextTests {
    @Test(
        arguments: [
            (0x0550_a223_aeaf_8a06, "0550a223aeaf8a06"), (1, "0000000000000001"), (.max, "7fffffffffffffff"),
        ] as [(LeaseID, String)])
    func aNumberHasSixteenDigits(id: LeaseID, text: String) {
        #expect(Lease.text(of: id) == text)
    }
}
