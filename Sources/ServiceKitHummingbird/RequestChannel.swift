#if Hummingbird
import NIOCore
import NIOEmbedded

/// The channel in the context of a request: it tells the client's address. Hummingbird asks for a channel, but a request of
/// an App has none of its own: over HTTP/2 many share one.
// @unchecked: all properties are immutable; the embedded channel is never changed.
final class RequestChannel: Channel, @unchecked Sendable {
    /// Stands for everything that a channel has beside the address. Nothing is ever sent on it.
    private static let nothing = NIOAsyncTestingChannel()

    let remoteAddress: SocketAddress?

    /// `peer` is an address in gRPC's notation: `ipv4:10.0.0.1:50123`, `ipv6:[::1]:50123`.
    init(peer: String) {
        let parts = peer.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, ["ipv4", "ipv6"].contains(parts[0]), let colon = parts[1].lastIndex(of: ":"),
            let port = Int(parts[1][parts[1].index(after: colon)...])
        else {
            remoteAddress = nil
            return
        }
        let host = parts[1][..<colon].filter { $0 != "[" && $0 != "]" }
        remoteAddress = try? SocketAddress(ipAddress: host, port: port)
    }

    var localAddress: SocketAddress? { nil }
    var parent: (any Channel)? { nil }
    var isWritable: Bool { false }
    var isActive: Bool { false }
    var allocator: ByteBufferAllocator { Self.nothing.allocator }
    var closeFuture: EventLoopFuture<Void> { Self.nothing.closeFuture }
    var pipeline: ChannelPipeline { Self.nothing.pipeline }
    var eventLoop: any EventLoop { Self.nothing.eventLoop }
    var _channelCore: any ChannelCore { Self.nothing._channelCore }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        Self.nothing.setOption(option, value: value)
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        Self.nothing.getOption(option)
    }
}
#endif
