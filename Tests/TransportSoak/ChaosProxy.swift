#if DEBUG
import GRPCNghttp2Transport
import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy that can kill the connections through it, as networks do.
final class ChaosProxy: Sendable {
    private let listener: any Channel
    private let pairs: Pairs

    private final class Pairs: Sendable {
        private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

        func insert(_ channel: any Channel) {
            channels.withLock { $0[ObjectIdentifier(channel)] = channel }
            channel.closeFuture.whenComplete { _ in
                self.channels.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
            }
        }

        var all: [any Channel] { channels.withLock { Array($0.values) } }
    }

    var port: Int { listener.localAddress?.port ?? 0 }

    init(to port: Int) async throws {
        let pairs = Pairs()
        self.pairs = pairs
        listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { front in
                pairs.insert(front)
                return ClientBootstrap(group: front.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: port)
                    .flatMap { back in
                        front.eventLoop.makeCompletedFuture {
                            pairs.insert(back)
                            try front.pipeline.syncOperations.addHandler(Forwarder(to: back))
                            try back.pipeline.syncOperations.addHandler(Forwarder(to: front))
                        }
                        .flatMap { back.setOption(.autoRead, value: true) }
                        .flatMap { front.setOption(.autoRead, value: true) }
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    /// Closes one connection.
    func kill(using generator: inout SoakRandom) {
        pairs.all.randomElement(using: &generator)?.close(promise: nil)
    }

    func stop() async throws {
        try await listener.close()
        for channel in pairs.all { channel.close(promise: nil) }
    }

    /// Passes incoming bytes on, as fast as the other side takes them.
    private final class Forwarder: ChannelDuplexHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let other: any Channel

        init(to other: any Channel) {
            self.other = other
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.write(unwrapInboundIn(data), promise: nil)
        }

        func channelReadComplete(context: ChannelHandlerContext) {
            other.flush()
        }

        func channelWritabilityChanged(context: ChannelHandlerContext) {
            other.setOption(.autoRead, value: context.channel.isWritable).whenComplete { _ in }
            context.fireChannelWritabilityChanged()
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
#endif
