import Testing

@testable import EtcdClient

struct KeyRangeTests {
    @Test func singleKeyHasNoEnd() {
        let range = KeyRange.key("ab")
        #expect(range.start == [97, 98])
        #expect(range.end == [])
        #expect(range.isKey)
    }

    @Test(
        arguments: [
            ([97, 98], [97, 99]),
            ([97, 0xFE], [97, 0xFF]),
            ([97, 0xFF], [98]),
            ([97, 0xFF, 0xFF], [98]),
            ([0xFE, 0xFF], [0xFF]),
            ([0xFF], [0]),
            ([0xFF, 0xFF], [0]),
            ([0], [1]),
        ] as [([UInt8], [UInt8])])
    func prefixEndsAtItsSuccessor(prefix: [UInt8], end: [UInt8]) {
        let range = KeyRange.prefix(prefix)
        #expect(range.start == prefix)
        #expect(range.end == end)
        #expect(!range.isKey)
    }

    @Test func allKeysGoFromZeroToZero() {
        #expect(KeyRange.all.start == [0])
        #expect(KeyRange.all.end == [0])
        #expect(KeyRange.prefix("") == .all)
        #expect(KeyRange.from("") == .all)
        #expect(!KeyRange.all.isKey)
    }

    @Test func rangeFromAKeyHasNoLimit() {
        #expect(KeyRange.from("b") == KeyRange.range(from: "b", to: [0]))
        #expect(KeyRange.range(from: "b", to: "d").start == [98])
        #expect(KeyRange.range(from: "b", to: "d").end == [100])
    }

    /// etcd refuses a range that begins with the empty key, although that key comes before all others.
    @Test func rangeFromAnEmptyKeyBeginsAtTheFirstKey() {
        #expect(KeyRange.range(from: "", to: "d").start == [0])
    }

    @Test func nextPageBeginsAfterTheLastKey() {
        let next = KeyRange.prefix("a").after([97, 5])
        #expect(next.start == [97, 5, 0])
        #expect(next.end == [98])
    }

    // MARK: - Namespaces

    private let namespace = Namespace("n/")
    private let none = Namespace("")

    @Test func namespaceIsAddedToEveryKindOfRange() {
        #expect(namespace.adding(to: "a".etcdBytes) == "n/a".etcdBytes)
        #expect(namespace.removing(from: "n/a".etcdBytes) == "a".etcdBytes)
        #expect(none.adding(to: "a".etcdBytes) == "a".etcdBytes)
        #expect(none.removing(from: "a".etcdBytes) == "a".etcdBytes)
    }

    @Test(arguments: [
        (KeyRange.key("a"), KeyRange.key("n/a")),
        (.key([0] as [UInt8]), .key("n/\u{0}")),
        (.prefix("a"), .prefix("n/a")),
        (.range(from: "a", to: "c"), .range(from: "n/a", to: "n/c")),
        (.from("a"), .range(from: "n/a", to: "n0")),
        (.prefix([0xFF] as [UInt8]), .range(from: "n/".etcdBytes + [0xFF], to: "n0".etcdBytes)),
        (.all, .range(from: "n/", to: "n0")),
    ])
    func aNamespaceIsPutBeforeRanges(range: KeyRange, expected: KeyRange) {
        #expect(namespace.adding(to: range) == expected)
        #expect(none.adding(to: range) == range)
    }

    /// A namespace without a next key.
    @Test func lastPossibleNamespaceReachesToTheEnd() {
        let last = Namespace("\u{7f}")
        #expect(last.adding(to: .all) == .range(from: "\u{7f}".etcdBytes, to: [0x80]))
    }

    @Test func nextPageStaysInTheNamespace() {
        let all = KeyRange.all
        #expect(namespace.adding(to: all.after("x".etcdBytes)) == .range(from: "n/x\u{0}", to: "n0"))
    }
}
