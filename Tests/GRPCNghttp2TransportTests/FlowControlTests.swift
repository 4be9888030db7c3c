import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct FlowControlTests {
    private static let pattern: [UInt8] = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    private static var small: TransportLimits {
        var limits = TransportLimits.defaults
        limits.streamWindowBytes = 20_000
        limits.connectionWindowBytes = 70_000
        limits.writeBufferBytes = 10_000
        return limits
    }

    @Test func largeMessageIsEchoed() async throws {
        try await withLoopback(["Echo": RawService.echo]) { client, _ in
            let answer = try await client.call("Echo", Self.pattern)
            #expect(answer == Self.pattern)
        }
    }

    @Test func messagesLargerThanTheWindowsArrive() async throws {
        var server = Nghttp2ServerTransport.Config.defaults
        server.limits = Self.small
        var client = Nghttp2ClientTransport.Config.defaults
        client.limits = Self.small
        try await withLoopback(["Echo": RawService.echoEach], server: server, client: client) { client, _ in
            let sizes = [1_000_000, 0, 19_995, 20_000, 20_001, 500_000, 1]
            let answer = try await client.stream("Echo") { writer in
                for size in sizes {
                    try await writer.write(Array(Self.pattern.prefix(size)))
                }
            } response: { response in
                try await response.messages.reduce(into: [Int]()) { sizes, message in
                    #expect(message == Array(Self.pattern.prefix(message.count)))
                    sizes.append(message.count)
                }
            }
            #expect(answer == sizes)
        }
    }

    @Test func manySmallMessagesArriveInOrder() async throws {
        var server = Nghttp2ServerTransport.Config.defaults
        server.limits = Self.small
        try await withLoopback(["Echo": RawService.echoEach], server: server) { client, _ in
            let count = try await client.stream("Echo") { writer in
                for index in 0..<5000 {
                    try await writer.write([UInt8(index % 256)])
                }
            } response: { response in
                var count = 0
                for try await message in response.messages {
                    #expect(message == [UInt8(count % 256)])
                    count += 1
                }
                return count
            }
            #expect(count == 5000)
        }
    }

    /// A peer that does not read makes the writer wait; no more than the window is buffered there, and no more than the
    /// write buffer here.
    @Test(arguments: [100, 4096, 15_000])
    func unreadStreamStopsItsWriter(_ messageBytes: Int) async throws {
        let limits = Self.small
        let streams = Shared<[HTTP2Stream]>([])
        let server = { @Sendable (stream: HTTP2Stream, _: HeaderBlock?) in streams.update { $0.append(stream) } }
        try await RawHTTP2Server.run(limits: limits, onStream: server) { server in
            try await RawHTTP2Client.run(server.address, limits: limits) { client in
                let stream = try client.open(method: "Any")
                let total = 200
                try await withThrowingTaskGroup(of: Void.self) { group in
                    let written = Shared(0)
                    group.addTask {
                        for _ in 0..<total {
                            try await stream.send(message: Array(repeating: 1, count: messageBytes))
                            written.update { $0 += 1 }
                        }
                        try stream.send(end: .data)
                    }
                    let limit = limits.streamWindowBytes + limits.writeBufferBytes + messageBytes
                    if total * messageBytes > limit {
                        // The writer waits, and the peer has all that its window allows.
                        try await eventually {
                            stream.waitingWriters == 1
                                && (streams.value.first?.unreadBytes ?? 0) == limits.streamWindowBytes
                        }
                        #expect(written.value * messageBytes <= limit)
                        #expect(stream.bufferedBytes < limits.writeBufferBytes + messageBytes + 5)
                    }
                    try await eventually { streams.value.isEmpty == false }
                    let peer = try #require(streams.value.first)
                    var received = 0
                    while let part = try await peer.next() {
                        guard case .body(let piece) = part else { continue }
                        #expect(piece.bytes.count == messageBytes)
                        received += 1
                        #expect(peer.unreadBytes <= limits.streamWindowBytes)
                    }
                    #expect(received == total)
                    try await group.waitForAll()
                }
            }
        }
    }

    /// The same from a server to a client.
    @Test func unreadResponseStopsTheHandler() async throws {
        let limits = Self.small
        let peer = Shared<HTTP2Stream?>(nil)
        let server = { @Sendable (stream: HTTP2Stream, _: HeaderBlock?) in peer.update { $0 = stream } }
        try await RawHTTP2Server.run(limits: limits, onStream: server) { server in
            try await RawHTTP2Client.run(server.address, limits: limits) { client in
                let stream = try client.open(method: "Any")
                try await eventually { peer.value != nil }
                let writer = try #require(peer.value)
                try writer.send(head: HeaderBlock(), prefix: .common)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for _ in 0..<100 {
                            try await writer.send(message: Array(repeating: 1, count: 1000))
                        }
                        try writer.send(end: .trailers(.ok))
                    }
                    try await eventually {
                        writer.waitingWriters == 1 && stream.unreadBytes == limits.streamWindowBytes
                    }
                    #expect(writer.bufferedBytes <= limits.writeBufferBytes + 1005)
                    var received = 0
                    while let part = try await stream.next() {
                        if case .body = part { received += 1 }
                    }
                    #expect(received == 100)
                    try await group.waitForAll()
                }
            }
        }
    }

    /// A call that nobody reads takes no window from its neighbours on the connection.
    @Test func stalledCallDoesNotStopOthers() async throws {
        var config = Nghttp2ServerTransport.Config.defaults
        config.limits = Self.small
        let gate = Gate()
        let stalled: RawHandler = { request, _ in
            try await gate.pass()
            let messages = try await RawService.collect(request)
            return StreamingServerResponse(single: ServerResponse(message: [UInt8(messages.count)]))
        }
        try await withLoopback(["Stalled": stalled, "Echo": RawService.echo], server: config) { client, _ in
            try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        try await client.stream("Stalled") { writer in
                            for _ in 0..<20 {
                                try await writer.write(Array(repeating: 0, count: 10_000))
                            }
                        } response: { response in
                            try await response.messages.reduce(into: []) { $0.append($1) }
                        }
                    }
                }
                for _ in 0..<20 {
                    let answer = try await client.call("Echo", Array(Self.pattern.prefix(50_000)))
                    #expect(answer.count == 50_000)
                }
                gate.open()
                for try await answer in group {
                    #expect(answer == [[20]])
                }
            }
        }
    }

    @Test func cancelledWriterStopsWaiting() async throws {
        let limits = Self.small
        try await RawHTTP2Server.run(limits: limits, onStream: { _, _ in }) { server in
            try await RawHTTP2Client.run(server.address, limits: limits) { client in
                let stream = try client.open(method: "Any")
                await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while true {
                            try await stream.send(message: Array(repeating: 1, count: 1000))
                        }
                    }
                    try? await eventually { stream.waitingWriters == 1 }
                    group.cancelAll()
                    await #expect(throws: CancellationError.self) { try await group.next() }
                }
                #expect(stream.waitingWriters == 0)
            }
        }
    }

    @Test func messageOverTheLimitFailsTheCall() async throws {
        var server = Nghttp2ServerTransport.Config.defaults
        server.maxMessageBytes = 1000
        var client = Nghttp2ClientTransport.Config.defaults
        client.maxMessageBytes = 1000
        let large: RawHandler = { _, _ in
            StreamingServerResponse(single: ServerResponse(message: Array(repeating: 0, count: 1001)))
        }
        try await withLoopback(["Echo": RawService.echo, "Large": large], server: server, client: client) { client, _ in
            let answer = try await client.call("Echo", Array(repeating: 0, count: 1000))
            #expect(answer.count == 1000)
            for (method, size) in [("Echo", 1001), ("Large", 0)] {
                let error = await #expect(throws: RPCError.self) {
                    try await client.call(method, Array(repeating: 0, count: size))
                }
                #expect(error?.code == .resourceExhausted, "\(method)")
                #expect(error?.message.contains("1001 bytes") == true, "\(method)")
            }
        }
    }

    @Test func callOptionLimitsTheMessageSize() async throws {
        try await withLoopback(["Echo": RawService.echo]) { client, _ in
            var request = CallOptions.defaults
            request.maxRequestMessageBytes = 10
            var response = CallOptions.defaults
            response.maxResponseMessageBytes = 10
            for options in [request, response] {
                let answer = try await client.call("Echo", Array(repeating: 0, count: 10), options: options)
                #expect(answer.count == 10)
                let error = await #expect(throws: RPCError.self) {
                    try await client.call("Echo", Array(repeating: 0, count: 11), options: options)
                }
                #expect(error?.code == .resourceExhausted)
            }
        }
    }
}
