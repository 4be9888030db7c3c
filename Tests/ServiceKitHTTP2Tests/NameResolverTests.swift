import NIOCore
import NIOEmbedded
import NIOPosix
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP2

/// Lookups of names, each independent of the others.
@Suite(.timeLimit(.minutes(1)))
struct NameResolverTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let gate = ThreadGate()
    private let asked = Shared<[String]>([])

    private static let limit = Duration.seconds(3600)

    /// A resolver whose lookups of names that begin with `slow` hang until the gate is opened.
    private func resolver(maxThreads: Int = 256) throws -> NameResolver {
        let address = try SocketAddress(ipAddress: "192.0.2.1", port: 0)
        return NameResolver(maxThreads: maxThreads) { [gate, asked] name throws(NameLookupError) in
            asked.update { $0.append(name) }
            if name.hasPrefix("slow") { gate.pass() }
            if name.hasPrefix("bad") { throw .failed(name: name, reason: "there is none") }
            return [address]
        }
    }

    private func addresses(_ resolver: NameResolver, _ name: String) async throws -> [String?] {
        try await resolver.addresses(of: name, within: Self.limit, on: loop).get().map(\.ipAddress)
    }

    @Test func hangingNamesDelayNoOthers() async throws {
        defer { gate.open() }
        let resolver = try resolver()
        let hanging = (1...100).map { resolver.addresses(of: "slow-\($0)", within: Self.limit, on: loop) }
        #expect(resolver.running == 100)
        for number in 1...10 { #expect(try await addresses(resolver, "quick-\(number)") == ["192.0.2.1"]) }
        gate.open()
        for future in hanging { _ = try await future.get() }
        try await eventually { resolver.running == 0 }
    }

    @Test func nameIsLookedUpOnceAtATime() async throws {
        defer { gate.open() }
        let resolver = try resolver()
        let askers = ["slow", "SLOW", "Slow"].map { resolver.addresses(of: $0, within: Self.limit, on: loop) }
        try await eventually { asked.value == ["slow"] }
        gate.open()
        for asker in askers { #expect(try await asker.get().count == 1) }
        #expect(asked.value == ["slow"])
        // Nothing is remembered: addresses change.
        _ = try await addresses(resolver, "slow")
        #expect(asked.value == ["slow", "slow"])
    }

    @Test func localhostIsLookedUpWhenNoThreadIsLeft() async throws {
        defer { gate.open() }
        let resolver = try resolver(maxThreads: 1)
        _ = resolver.addresses(of: "slow", within: Self.limit, on: loop)
        let waiting = resolver.addresses(of: "other", within: Self.limit, on: loop)
        #expect(try await addresses(resolver, "localhost") == ["192.0.2.1"])
        gate.open()
        #expect(try await waiting.get().count == 1)
    }

    @Test func failedLookupNamesTheName() async throws {
        let resolver = try resolver()
        let error = await #expect(throws: NameLookupError.self) { try await addresses(resolver, "bad.test") }
        #expect(error?.description == "the name \"bad.test\" could not be looked up: there is none")
    }

    /// The result for a name, requested on a loop of the test.
    private func told(
        _ resolver: NameResolver, _ names: String..., on loop: NIOAsyncTestingEventLoop
    ) -> Shared<
        [NameLookupError]
    > {
        let errors = Shared<[NameLookupError]>([])
        for name in names {
            resolver.addresses(of: name, within: .seconds(5), on: loop).whenFailure { error in
                if let error = error as? NameLookupError { errors.update { $0.append(error) } }
            }
        }
        return errors
    }

    @Test func lookupEndsAtItsLimit() async throws {
        defer { gate.open() }
        let loop = NIOAsyncTestingEventLoop()
        let resolver = try resolver(maxThreads: 1)
        let errors = told(resolver, "slow.test", "other.test", on: loop)
        await loop.advanceTime(by: .milliseconds(4999))
        #expect(errors.value.isEmpty)
        await loop.advanceTime(by: .milliseconds(1))
        #expect(
            Set(errors.value) == [
                .timedOut(name: "slow.test", limit: .seconds(5), isQueued: false),
                .timedOut(name: "other.test", limit: .seconds(5), isQueued: true),
            ]
        )
        #expect(resolver.running == 1, "the thread that hangs counts")
        #expect(
            "\(NameLookupError.timedOut(name: "slow.test", limit: .seconds(5), isQueued: false))"
                .hasPrefix("the look-up of the name \"slow.test\" took longer than 5.0 seconds; ")
        )
        await loop.shutdownGracefully()
    }

    @Test func lookupFailsWhenItsEventLoopEnds() async throws {
        defer { gate.open() }
        let loop = NIOAsyncTestingEventLoop()
        let errors = told(try resolver(), "slow.test", on: loop)
        await loop.run()
        await loop.shutdownGracefully()
        #expect(errors.value.count == 1)
    }

    @Test func localhostResolvesToLoopbackAddresses() throws {
        let addresses = try SystemResolver.addresses(of: "localhost").compactMap(\.ipAddress)
        #expect(!addresses.isEmpty)
        #expect(Set(addresses).isSubset(of: ["127.0.0.1", "::1"]))
        #expect(addresses.count == Set(addresses).count)
    }

    @Test(arguments: ["127.0.0.1", "::1", "[::1]", "::1%lo", "fe80::1%lo", "[fe80::1%lo]", "::ffff:127.0.0.1"])
    func addressesAreReadWithoutALookup(text: String) throws {
        let address = try #require(TransportAddress.dns(host: text, port: 80).ipAddress)
        #expect(address.port == 80)
        // The interface is a part of the address: without it a link-local address has no place.
        let nowhere = try SocketAddress(ipAddress: "fe80::1", port: 80)
        #expect(address != nowhere)
    }

    @Test(arguments: ["localhost", "example.com", "[localhost]", "a:b", "", "1.2.3", "dead.beef"])
    func namesAreNotReadAsAddresses(text: String) {
        #expect(TransportAddress.dns(host: text, port: 80).ipAddress == nil)
    }
}
