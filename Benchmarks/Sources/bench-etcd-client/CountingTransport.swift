import GRPCCore
import Synchronization

/// The number of calls of a method.
final class StreamCount: Sendable {
    private let method: String
    private let count = Atomic(0)

    /// - Parameter method: The method's name without its service's.
    init(of method: String) {
        self.method = method
    }

    var value: Int { self.count.load(ordering: .relaxed) }

    func note(_ descriptor: MethodDescriptor) {
        guard descriptor.method == self.method else { return }
        self.count.add(1, ordering: .relaxed)
    }
}

/// A transport that counts its calls.
struct CountingTransport<Base: ClientTransport>: ClientTransport {
    typealias Bytes = Base.Bytes

    let base: Base
    let count: StreamCount

    var retryThrottle: RetryThrottle? { self.base.retryThrottle }

    func connect() async throws {
        try await self.base.connect()
    }

    func beginGracefulShutdown() {
        self.base.beginGracefulShutdown()
    }

    func withStream<T: Sendable>(
        descriptor: MethodDescriptor,
        options: CallOptions,
        _ closure: (_ stream: RPCStream<Inbound, Outbound>, _ context: ClientContext) async throws -> T
    ) async throws -> T {
        self.count.note(descriptor)
        return try await self.base.withStream(descriptor: descriptor, options: options, closure)
    }

    func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? {
        self.base.config(forMethod: descriptor)
    }
}
