import GRPCCore
import NIOCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Objects are released after their use.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct LifetimeTests {
    private final class Weak<Object: AnyObject & Sendable>: Sendable {
        private let reference: Shared<WeakReference>

        private struct WeakReference: Sendable {
            weak var object: Object?
        }

        init(_ object: Object?) {
            reference = Shared(WeakReference(object: object))
        }

        var isGone: Bool { reference.value.object == nil }
    }

    @Test func lostConnectionReleasesItsStreams() async throws {
        let peers = Shared<[Weak<HTTP2Stream>]>([])
        let onStream = { @Sendable (stream: HTTP2Stream, _: HeaderBlock?) in
            let reference = Weak(stream)
            peers.update { $0.append(reference) }
        }
        let (connection, streams) = try await RawHTTP2Server.run(onStream: onStream) { server in
            try await RawHTTP2Client.run(server.address) { client in
                var streams: [Weak<HTTP2Stream>] = []
                for _ in 0..<20 {
                    let stream = try client.open(method: "Any")
                    try await stream.send(message: [1, 2, 3])
                    streams.append(Weak(stream))
                }
                try await eventually { peers.value.count == 20 }
                #expect(!peers.value.contains { $0.isGone })
                server.accepted.kill()
                try await eventually { client.delegate.closedReason != nil }
                return (Weak(client.http2), streams)
            }
        }
        try await eventually {
            connection.isGone && streams.allSatisfy(\.isGone) && peers.value.allSatisfy(\.isGone)
        }
    }

    @Test(arguments: [nil, Duration.seconds(3600)])
    func endedCallReleasesItsStream(_ timeout: Duration?) async throws {
        try await withServer(["Echo": RawService.echo]) { _, address in
            try await withClientConnection(address) { connection in
                var streams: [Weak<HTTP2Stream>] = []
                for _ in 0..<50 {
                    let stream = try connection.makeStream(
                        descriptor: RawService.method("Echo"),
                        deadline: timeout.map { .now + $0 }
                    )
                    streams.append(Weak(stream.stream))
                    try await stream.write(.metadata([:]))
                    try await stream.write(.message([1]))
                    stream.finish()
                    while try await stream.next() != nil {}
                }
                let references = streams
                try await eventually { references.allSatisfy(\.isGone) }
            }
        }
    }

    /// A stream that is dropped without being ended resets its call.
    @Test func droppedStreamIsReset() async throws {
        let (streams, opened) = AsyncStream.makeStream(of: HTTP2Stream.self)
        try await RawHTTP2Server.run(onStream: { stream, _ in opened.yield(stream) }) { server in
            try await withClientConnection(server.address) { connection in
                var stream: ClientStream? = try connection.makeStream(descriptor: RawService.method("Any"))
                try await stream?.write(.metadata([:]))
                var iterator = streams.makeAsyncIterator()
                let peer = try #require(await iterator.next())
                stream = nil
                await #expect(throws: StreamFailure.reset(.cancel)) { try await peer.next() }
            }
        }
    }

    @Test func streamOfALostConnectionThrows() async throws {
        let stream = try await RawHTTP2Server.run(onStream: { _, _ in }) { server in
            try await RawHTTP2Client.run(server.address) { try $0.open(method: "Any") }
        }
        let failure = await #expect(throws: StreamFailure.self) { try await stream.next() }
        #expect(failure != nil)
        await #expect(throws: StreamFailure.self) { try await stream.send(message: [1]) }
        #expect(throws: StreamFailure.self) { try stream.send(end: .data) }
        stream.reset(.cancel, failure: .cancelled)
    }

    @Test func clientConnectionIsReleasedAfterRun() async throws {
        let reference = try await withServer(["Echo": RawService.echo]) { _, address in
            try await withClientConnection(address) { connection in
                _ = try await connection.call("Echo", [1])
                return Weak(connection)
            }
        }
        try await eventually { reference.isGone }
    }
}
