import Glibc
import Logging
import NIOCore
import Synchronization

/// Has a listener pause while the system has nothing left for one more connection: NIO would try again at once, and
/// take a whole core. The first handler of the listening channel.
final class AcceptBackoff: ChannelInboundHandler, Sendable {
    typealias InboundIn = any Channel

    private struct State {
        var pause = AcceptPause()
        var channel: (any Channel)?
        var failure: IOError?
    }

    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter logger: Gets a warning when there is a pause, at most once a minute.
    init(logger: Logger) {
        self.logger = logger
    }

    /// The error that has ended the listener, if one has.
    var failure: IOError? { state.withLock { $0.failure } }

    func handlerAdded(context: ChannelHandlerContext) {
        state.withLock { $0.channel = context.channel }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        state.withLock { $0.channel = nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        state.withLock { $0.pause.accepted() }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError else {
            context.fireErrorCaught(error)
            return
        }
        switch error.errnoCode {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            pause(context.channel, error)
        case ECONNABORTED:
            // That client is gone; the next one has nothing to do with it.
            break
        default:
            // NIO closes the listener.
            state.withLock { $0.failure = error }
        }
    }

    private func pause(_ channel: any Channel, _ error: IOError) {
        guard let pause = state.withLock({ $0.pause.failed(now: .now()) }) else { return }
        if pause.isWarningDue {
            logger.warning(
                "no connection can be accepted for now; those that are open go on",
                metadata: [
                    "address": "\(channel.localAddress.map(TransportAddress.peerDescription) ?? "unknown")",
                    "cause": "\(SystemLimit.reason(of: error.errnoCode))",
                ]
            )
        }
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        channel.eventLoop.scheduleTask(in: pause.length) { self.resume(number: pause.number) }
    }

    /// A connection has closed: there is room for another one at once. Called on any thread.
    func connectionClosed() {
        guard let loop = state.withLock({ $0.pause.isPaused ? $0.channel?.eventLoop : nil }) else { return }
        loop.execute { self.resume(number: nil) }
    }

    private func resume(number: Int?) {
        let channel = state.withLock { $0.pause.end(number: number) ? $0.channel : nil }
        try? channel?.syncOptions?.setOption(.autoRead, value: true)
    }
}
