import Foundation
import NIOCore
import NIOPosix
import ServiceKit
import ServiceKitTesting
import Testing

@testable import ServiceKitAuth

/// Addresses of keys that answer in ways that must not hurt the server.
@Suite(.timeLimit(.minutes(1)))
struct KeyURLTests {
    /// What the server writes when it has a request.
    private enum Answer: Sendable {
        case text(String)
        /// Bytes without end.
        case endless(head: String)
        case nothing
    }

    private final class Handler: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let answer: Answer

        init(_ answer: Answer) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch answer {
            case .text(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .endless(let head):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
                pour(context)
            case .nothing:
                break
            }
        }

        /// Writes on as long as the client reads.
        private func pour(_ context: ChannelHandlerContext) {
            let written = context.eventLoop.makePromise(of: Void.self)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            written.futureResult.whenSuccess {
                let (handler, context) = bound.value
                handler.pour(context)
            }
            let piece = "10000\r\n" + String(repeating: "a", count: 65_536) + "\r\n"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: piece)), promise: written)
        }
    }

    /// Asks a server for keys.
    private func load(
        _ answer: Answer, timeout: Duration = .seconds(30)
    ) async throws -> (String?, LogRecorder, KeyKeeper) {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let log = LogRecorder()
        var jwt = JWTOptions()
        jwt.jwks.url = URL(string: "http://user:password@127.0.0.1:\(server.localAddress?.port ?? 0)/keys?token=x")
        jwt.jwks.timeout = timeout
        let keeper = KeyKeeper(jwt, logger: log.logger())
        try await keeper.start()
        try await server.close()
        let failure = log.entries.first { $0.message.contains("cannot be loaded") }
        if let failure { #expect(!"\(failure)".contains("password") && !"\(failure)".contains("token=x")) }
        return (failure.map { "\($0.metadata["error"] as Any)" }, log, keeper)
    }

    private static func answer(_ status: String, _ body: String, _ headers: String = "") -> Answer {
        .text("HTTP/1.1 \(status)\r\ncontent-length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
    }

    @Test func keysAreLoaded() async throws {
        let (failure, _, keeper) = try await load(Self.answer("200 OK", Vectors.keySet))
        #expect(failure == nil)
        #expect(try keeper.keys("rsa-1", .rs256).count == 1)
    }

    @Test func errorIsNamed() async throws {
        let (failure, _, _) = try await load(Self.answer("500 Internal Server Error", "no"))
        #expect(failure?.contains("it answered with status 500") == true, "\(failure ?? "")")
        let (redirect, _, _) = try await load(Self.answer("302 Found", "", "location: http://127.0.0.1:1/\r\n"))
        #expect(redirect?.contains("it answered with status 302") == true, "\(redirect ?? "")")
    }

    @Test func hugeSetIsRefused() async throws {
        // 100 MB are promised, and none of them is waited for.
        let (promised, _, _) = try await load(.text("HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n"))
        #expect(promised?.contains("it has more than 262144 bytes") == true, "\(promised ?? "")")
        let (endless, _, _) = try await load(.endless(head: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"))
        #expect(endless?.contains("it has more than 262144 bytes") == true, "\(endless ?? "")")
    }

    @Test func hangingServerIsLeftAfterTheTime() async throws {
        for answer in [Answer.nothing, .text("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{")] {
            let (failure, _, keeper) = try await load(answer, timeout: .milliseconds(50))
            #expect(failure != nil)
            #expect(throws: AuthFailure.keysUnavailable) { try keeper.keys("a", .rs256) }
        }
    }
}
