import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The fate of calls, and of the channel, when this side gives a connection up or lets it end.
@Suite(.timeLimit(.minutes(1)))
struct GivingUpTests {
    private static let echo = { @Sendable (stream: HTTP2Stream, _: HeaderBlock?) in
        _ = try? stream.send(head: HeaderBlock([HeaderName.status: "0"]), prefix: .common, endStream: true)
    }

    /// TLS waits for the peer's goodbye, too; the calls do not.
    @Test func callsOfADeadPeerFailWithoutItsTLSGoodbye() async throws {
        let certificates = try await TestCertificates.shared()
        var times = ConnectionTimes(writeTimeout: .seconds(1000))
        times.keepaliveTime = .milliseconds(10)
        times.keepaliveTimeout = .milliseconds(10)
        try await RawHTTP2Server.run(tls: certificates.serverContext(), onStream: { _, _ in }) { server in
            let tls = try certificates.clientContext(shutdownTimeout: .hours(1))
            try await RawHTTP2Client.run(server.address, times: times, tls: tls) { client in
                try await server.accepted.stopReading()
                let stream = try client.open(method: "Any")
                let error = await #expect(throws: StreamFailure.self) { try await stream.next() }
                #expect(error == .connectionLost("the peer gave no sign of life (keep-alive)"))
                try await eventually { client.delegate.closedReason != nil }
                // The server would make the client wait long.
                server.accepted.kill()
            }
        }
    }

    /// A request still goes out if its connection was chosen before it became idle.
    @Test func idleConnectionStillSendsItsRequests() async throws {
        var times = ConnectionTimes(writeTimeout: .seconds(1000))
        times.maxIdle = .milliseconds(1)
        try await RawHTTP2Server.run(onStream: Self.echo) { server in
            let delegate = RawDelegate()
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let http2 = HTTP2Connection(
                config: .test(
                    role: .client(maxQueuedRequests: 1), limits: .defaults, times: times
                ),
                scheduler: LoopScheduler(loop: loop),
                delegate: delegate
            )
            let stream = http2.makeStream(deadline: nil)
            let channel = try await ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(http2) }
                }
                .connect(host: server.address.host ?? "", port: server.address.port ?? 0).get()
            try await eventually { delegate.drainingReason != nil }
            #expect(delegate.drainingReason == "the connection was idle")
            #expect(delegate.closedReason == nil)
            try stream.send(head: HeaderBlock([":path": "/any/any"]), prefix: .common)
            guard case .headers? = try await stream.next() else {
                Issue.record("no answer")
                return
            }
            stream.reset(.cancel, failure: .cancelled)
            try await channel.closeFuture.get()
            #expect(delegate.closedReason == "the connection was idle")
        }
    }

    /// An attempt that was given up before it had a channel leaves no channel behind, regardless of the server.
    @Test(arguments: [true, false])
    func abandonedAttemptLeavesNoChannel(isSecure: Bool) async throws {
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let tls = try await TestCertificates.shared().clientContext(shutdownTimeout: .milliseconds(1))
        let delegate = RawDelegate()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let http2 = HTTP2Connection(
            config: .test(
                role: .client(maxQueuedRequests: 1),
                security: isSecure ? .tls(requireALPN: true, expectation: TLSExpectation()) : .plaintext,
                limits: .defaults
            ),
            scheduler: LoopScheduler(loop: loop),
            delegate: delegate
        )
        http2.close(.cancelled, reason: "given up")
        try await eventually { delegate.closedReason == "given up" }
        let channel = try await ClientBootstrap(group: loop)
            .connect(to: #require(listener.localAddress)).get()
        // Both at the same time, as a client does it.
        try await channel.eventLoop.submit {
            if isSecure {
                try channel.pipeline.syncOperations.addHandler(
                    NIOSSLClientHandler(context: tls, serverHostname: "test.example")
                )
            }
            try channel.pipeline.syncOperations.addHandler(http2)
        }.get()
        try await channel.closeFuture.get()
        try await listener.close().get()
    }
}
