import ServiceContextModule
import Testing

@testable import ServiceKit

@Suite struct MetadataPropagationTests {
    static let received: CallMetadata = [
        "x-md-tenant": "acme", "x-md-global-user": "7", "traceparent": "00-1", "tracestate": "a=b", "baggage": "c=d",
        "authorization": "secret", "x-md-global-user": "8",
    ]

    /// The headers of a call that a handler makes.
    func carried(
        whileServing received: CallMetadata,
        _ made: CallMetadata = [:],
        outgoing: CallMetadata = [:]
    ) async throws -> CallMetadata {
        let carried = Watched(CallMetadata())
        _ = await MetadataPropagation().run(.served(metadata: received)) { _ in
            try await withOutgoingMetadata(outgoing) {
                carried.set(try await MetadataPropagation().begun(.made(metadata: made)).metadata)
            }
            return CallResult()
        }
        return carried.value
    }

    @Test func propagatedHeadersReachTheCallee() async throws {
        let incoming = Watched<CallMetadata?>(nil)
        _ = await MetadataPropagation().run(.served(metadata: Self.received)) { call in
            incoming.set(ServiceContext.current?.incomingMetadata)
            // The handler gets all headers.
            #expect(call.metadata == Self.received)
            return CallResult()
        }
        #expect(incoming.value == Self.received.filter { $0.name != "authorization" })
    }

    @Test func globalHeadersAndTraceContextArePropagated() async throws {
        #expect(
            try await carried(whileServing: Self.received) == [
                "x-md-global-user": "7", "traceparent": "00-1", "tracestate": "a=b", "baggage": "c=d",
                "x-md-global-user": "8",
            ]
        )
    }

    // MARK: - Hostile callers

    @Test(arguments: [
        "", ",", "=", "a", "a=b;", "a=%zz", String(repeating: "a=b,", count: 2048), "\u{0}\u{1F}\u{FFFD}", "a=\r\nb: c",
    ])
    func baggageIsCarriedAsItIsWhateverItSays(_ text: String) async throws {
        #expect(try await carried(whileServing: ["baggage": .string(text)])["baggage"] == text)
    }

    @Test(arguments: [8193, 65_536, 1 << 20]) func longBaggageIsNotCarried(_ length: Int) async throws {
        let received: CallMetadata = [
            "baggage": .string(String(repeating: "a", count: length)), "traceparent": "00-1", "baggage": "c=d",
        ]
        let carried = try await carried(whileServing: received)
        // Not cut: a part of an entry says something else.
        #expect(carried == ["traceparent": "00-1", "baggage": "c=d"])
    }

    @Test func binaryBaggageIsNotCarried() async throws {
        #expect(try await carried(whileServing: ["baggage": .binary([0xFF, 0x00])]).isEmpty)
    }

    @Test func outgoingMetadataReplacesPropagatedHeadersAndTheCallsOwnReplaceBoth() async throws {
        let received: CallMetadata = ["x-md-global-a": "in", "x-md-global-b": "in", "x-md-global-c": "in"]
        let carried = try await carried(
            whileServing: received,
            ["x-md-global-c": "own", "own": "own"],
            outgoing: ["x-md-global-b": "out", "x-md-global-c": "out", "out": "out"]
        )
        #expect(carried["x-md-global-a"] == "in")
        #expect(carried["x-md-global-b"] == "out" && carried["out"] == "out")
        #expect(carried["x-md-global-c"] == "own" && carried["own"] == "own")
        #expect(carried.count == 5)
    }

    @Test func outsideOfAServedCallOnlyTheCallsOwnHeadersAreSent() async throws {
        #expect(try await MetadataPropagation().begun(.made(metadata: ["a": "1"])).metadata == ["a": "1"])
    }

    @Test func aCallWithoutPropagatedHeadersIsNotChanged() async throws {
        let served = try await MetadataPropagation().begun(.served(metadata: ["authorization": "secret"]))
        #expect(served.context.incomingMetadata == nil)
        let made = try await MetadataPropagation().begun(.made(metadata: ["a": "1"]))
        #expect(!made.isMetadataChanged)
    }

    @Test func aServedCallDoesNotInheritTheHeadersOfAnother() async throws {
        var context = ServiceContext.topLevel
        context.incomingMetadata = ["x-md-tenant": "other"]
        let incoming = Watched<CallMetadata?>(nil)
        await ServiceContext.withValue(context) {
            _ = await MetadataPropagation().run(.served()) { _ in
                incoming.set(ServiceContext.current?.incomingMetadata)
                return CallResult()
            }
        }
        #expect(incoming.value == [:])
    }
}
