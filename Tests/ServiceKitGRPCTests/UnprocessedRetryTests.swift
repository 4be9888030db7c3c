import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC

/// Calls that no server has begun to process, and what is kept of a request to send it again.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct UnprocessedRetryTests {
    @Test(arguments: [RawServer.Behavior.refuses(afterBytes: 0), .goesAway])
    func unprocessedCallOfAnyMethodIsRetried(_ behavior: RawServer.Behavior) async throws {
        // Such a retry counts neither as an attempt nor against the budget.
        try await withRawServer(behavior, ChannelOptions.retrying(idempotent: [], attempts: 1, burst: 0)) {
            client, balancer in
            let name = try await client.text()
            #expect(name == "b")
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func aRetrySendsAPartlyStreamedRequestFromItsBeginning() async throws {
        try await withRawServer(.refuses(afterBytes: 300), ChannelOptions.retrying(idempotent: [])) {
            client, balancer in
            let messages = (0..<200).map { [UInt8](repeating: UInt8($0), count: $0) }
            let received = try await client.echo(messages)
            #expect(received == messages)
            #expect(balancer.picks.value == ["a", "b"])
        }
    }

    @Test func messagesWrittenAfterARefusalFollowInTheRetry() async throws {
        try await withRawServer(.refuses(afterBytes: 0), ChannelOptions.retrying(idempotent: [])) { client, balancer in
            let received = try await client.stream { writer in
                try await writer.write([1])
                // The second attempt is in flight.
                _ = await balancer.picks.first { $0.count == 2 }
                try await writer.write([2])
                try await writer.write([3])
            } _: { response in
                try await response.messages.reduce(into: []) { $0.append($1) }
            }
            #expect(received == [[1], [2], [3]])
        }
    }

    @Test func aRequestLargerThanTheBufferIsNotRetried() async throws {
        try await withRawServer(.refuses(afterBytes: 100), ChannelOptions.retrying(buffer: 64)) { client, balancer in
            let failure = await client.failure("Echo", [UInt8](repeating: 1, count: 200))
            #expect(failure?.code == .unavailable)
            #expect(balancer.picks.value == ["a"])
        }
    }

    @Test func emptyMessagesCountAgainstTheBuffer() async throws {
        try await withRawServer(.refuses(afterBytes: 100), ChannelOptions.retrying(buffer: 1024)) { client, balancer in
            await #expect(throws: RPCError.self) {
                try await client.stream { writer in
                    for _ in 0..<100 { try await writer.write([]) }
                } _: { response in
                    for try await _ in response.messages {}
                }
            }
            #expect(balancer.picks.value == ["a"])
        }
    }

    /// The picks of a call to the only instance, which refuses every stream.
    private func picksOfARefusedCall(_ options: ChannelOptions = ChannelOptions()) async throws -> Int {
        let balancer = OrderedBalancer()
        try await withTestBed { bed in
            let raw = try RawServer(.refuses(afterBytes: 0))
            defer { raw.stop() }
            let discoverer = ScriptedDiscoverer()
            discoverer.say(raw.endpoint)
            let client = try bed.client(options, balancer: balancer, discoverer: discoverer)
            _ = await balancer.current.first { !$0.isEmpty }
            #expect(await client.failure()?.code == .unavailable)
            #expect(balancer.inFlight.value == 0)
        }
        return balancer.picks.value.count
    }

    @Test func aCallThatEveryAttemptRefusesFailsAfterTenRetries() async throws {
        // The first repetition is free, the others take tokens, which fade.
        let picks = try await picksOfARefusedCall()
        #expect((3...11).contains(picks))
    }

    /// gRFC A6: one repetition is free. A fleet that refuses streams must not get eleven times the calls.
    @Test func aStreamThatIsRefusedTwiceNeedsABudget() async throws {
        let picks = try await picksOfARefusedCall(.retrying(idempotent: [], attempts: 1, burst: 0))
        #expect(picks == 2)
    }

    // MARK: - Memory

    @Test func aRequestWithoutAnInstanceIsBufferedUpToTheLimit() async throws {
        try await withTestBed { bed in
            let written = Watched(0)
            let writtenBefore = Watched(0)
            let client = try bed.client(discoverer: bed.registry)
            let call = Task {
                var callOptions = CallOptions.defaults
                callOptions.waitForReady = true
                return try await client.stream("Count", options: callOptions) { writer in
                    for _ in 0..<200 {
                        try await writer.write([UInt8](repeating: 1, count: 65_536))
                        written.update { $0 += 1 }
                    }
                } _: { response in
                    try await response.messages.reduce(into: []) { $0.append($1) }
                }
            }
            _ = await written.first { $0 == 3 }
            try await bed.server(
                "a",
                [
                    "Count": { request, _ in
                        writtenBefore.set(written.value)
                        let count = try await request.messages.reduce(0) { count, _ in count + 1 }
                        return .text("\(count)")
                    }
                ]
            )
            #expect(try await call.value == [Array("200".utf8)])
            // 256 KiB are kept; beyond them only the stream and its window hold bytes.
            #expect(writtenBefore.value < 40)
        }
    }
}
