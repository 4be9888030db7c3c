import NIOCore
import NIOPosix
import ServiceKitTestSupport

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Stands between clients and a server, and counts what the server sends.
struct Relay: Sendable {
    let address: TransportAddress
    private let sentBytes: Shared<Int>

    /// How many bytes the server has sent.
    var bytesFromServer: Int { sentBytes.value }

    static func run<Result: Sendable>(
        to server: TransportAddress,
        _ body: (Relay) async throws -> Result
    ) async throws -> Result {
        let sentBytes = Shared(0)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            let pipe = Pipe(to: client) { count in sentBytes.update { $0 += count } }
                            try server.pipeline.syncOperations.addHandler(pipe)
                        }
                    }
                    .connect(host: server.host ?? "", port: server.port ?? 0)
                    .flatMapThrowing { try client.pipeline.syncOperations.addHandler(Pipe(to: $0) { _ in }) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = channel.localAddress.flatMap(TransportAddress.init) ?? .anyPort
        let result: Result
        do {
            result = try await body(Relay(address: address, sentBytes: sentBytes))
        } catch {
            try? await channel.close().get()
            throw error
        }
        try await channel.close().get()
        return result
    }

    /// Passes the bytes of one channel on to another, and its end too.
    private final class Pipe: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private let count: @Sendable (Int) -> Void

        init(to other: any Channel, count: @escaping @Sendable (Int) -> Void) {
            self.other = other
            self.count = count
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            count(bytes.readableBytes)
            other.writeAndFlush(bytes, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
        }
    }
}
