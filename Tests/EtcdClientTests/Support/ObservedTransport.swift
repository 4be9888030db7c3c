import GRPCCore
import GRPCNghttp2Transport
import ServiceKit

/// The wire of a client: counts its calls, and can be cut like a network.
struct Wire: Sendable {
    /// The number of calls begun, by method.
    let begun = Watched<[String: Int]>([:])
    fileprivate let isCut = Watched(false)
    private let losses = Watched<[String: Int]>([:])

    /// The number of calls of a method that were begun.
    func count(_ method: String) -> Int { begun.value[method] ?? 0 }

    /// Waits until this many calls of a method were begun.
    func waitForCalls(_ method: String, _ count: Int) async {
        _ = await begun.first { $0[method] ?? 0 >= count }
    }

    /// Fails all current calls, and each new one.
    func cut() { isCut.set(true) }

    /// Lets new calls succeed again.
    func mend() { isCut.set(false) }

    /// Fails the next call of a method after its answer has come.
    func loseAnswer(to method: String) { losses.update { $0[method, default: 0] += 1 } }

    fileprivate func losesAnswer(to method: String) -> Bool {
        losses.update { losses in
            guard let count = losses[method], count > 0 else { return false }
            losses[method] = count - 1
            return true
        }
    }
}

/// A transport with a ``Wire``.
struct ObservedTransport: ClientTransport {
    typealias Bytes = [UInt8]

    private let transport: Nghttp2ClientTransport
    private let wire: Wire
    private let failure = RPCError(code: .unavailable, message: "the wire was cut")

    init(_ transport: Nghttp2ClientTransport, _ wire: Wire) {
        self.transport = transport
        self.wire = wire
    }

    var retryThrottle: RetryThrottle? { transport.retryThrottle }

    func connect() async throws { try await transport.connect() }

    func beginGracefulShutdown() { transport.beginGracefulShutdown() }

    func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? { transport.config(forMethod: descriptor) }

    func withStream<T: Sendable>(
        descriptor: MethodDescriptor,
        options: CallOptions,
        _ closure: (RPCStream<Inbound, Outbound>, ClientContext) async throws -> T
    ) async throws -> T {
        wire.begun.update { $0[descriptor.method, default: 0] += 1 }
        if wire.isCut.value { throw failure }
        let isLost = wire.losesAnswer(to: descriptor.method)
        return try await transport.withStream(descriptor: descriptor, options: options) { stream, context in
            let (inbound, relay) = AsyncThrowingStream.makeStream(of: RPCResponsePart<Bytes>.self)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        for try await part in stream.inbound where !isLost { relay.yield(part) }
                        relay.finish(throwing: isLost ? failure : nil)
                    } catch {
                        relay.finish(throwing: error)
                    }
                }
                group.addTask {
                    if await wire.isCut.first(where: \.self) != nil { relay.finish(throwing: failure) }
                }
                defer { group.cancelAll() }
                let observed = RPCStream(
                    descriptor: descriptor,
                    inbound: RPCAsyncSequence(wrapping: inbound),
                    outbound: stream.outbound
                )
                return try await closure(observed, context)
            }
        }
    }
}
