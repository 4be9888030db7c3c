internal import AsyncHTTPClient
internal import GRPCCore
internal import GRPCNghttp2Transport
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import ServiceKit
internal import ServiceKitConcurrency
internal import ServiceKitGRPC
private import Synchronization

/// The connections to one instance.
///
/// | from | event | to |
/// |---|---|---|
/// | ready | a connection cannot be made | failed |
/// | failed | a connection can be made again: tried after growing pauses | ready |
/// | ready, failed | the instance is gone, or the client is shut down | closing |
/// | closing | the last call ends | shut down |
final class HTTPNode: NodeConnection {
    /// The calls under way. Each call changes them: no task waits for that.
    private struct Calls {
        var count = 0
        /// The error of calls that would begin now.
        var refusal: RPCError?
        var isClosing = false
    }

    private struct State {
        /// Why no connection can be made.
        var failure: RPCError?
        var isClosing = false
        /// Whether the pause before the next try is over.
        var isDue = false
    }

    /// Sends requests, and keeps the connections.
    let client: HTTPClient
    /// The beginning of each URL: `http://10.0.0.7:8080`.
    let origin: String
    /// The files of TLS; `nil` for connections in clear text.
    private let tlsFiles: TLSFilesWatch?
    private let endpoint: Endpoint
    private let connectTimeout: TimeAmount
    private let backoff: BackoffOptions
    private let calls = Mutex(Calls())
    private let hasDrained = Signal()
    private let state = Watched(State())
    private let onStateChange: @Sendable (ClientConnection.State) -> Void

    /// - Parameters:
    ///   - endpoint: The instance's address.
    ///   - clients: Makes the connections.
    ///   - backoff: The pauses between attempts to connect.
    ///   - onStateChange: Called for each change of the state.
    init(
        _ endpoint: Endpoint,
        _ clients: HTTPClients,
        backoff: BackoffOptions,
        onStateChange: @escaping @Sendable (ClientConnection.State) -> Void
    ) {
        self.endpoint = endpoint
        let (client, authority) = clients.client(for: endpoint)
        self.client = client
        origin = "\(endpoint.scheme)://\(authority)"
        connectTimeout = clients.connectTimeout
        tlsFiles = endpoint.isSecure ? clients.tlsFiles : nil
        self.backoff = backoff
        self.onStateChange = onStateChange
    }

    // MARK: - Calls

    /// A call begins here.
    ///
    /// - Returns: The node itself.
    /// - Throws: `unavailable`, with the cause `CallNotProcessed`, when the instance is gone or cannot be reached.
    func begin() throws(RPCError) -> HTTPNode {
        try calls.withLock { calls throws(RPCError) in
            if let refusal = calls.refusal { throw refusal }
            calls.count += 1
        }
        return self
    }

    private static let gone = RPCError(
        code: .unavailable, message: "the instance is gone", cause: CallNotProcessed())

    /// The configuration of TLS for a connection that would be made now; `nil` if it is that of the client.
    nonisolated(nonsending) func changedTLS() async -> TLSConfiguration? { await tlsFiles?.current() }

    /// A call has ended.
    func end() {
        let isLast = calls.withLock { calls in
            calls.count -= 1
            return calls.isClosing && calls.count == 0
        }
        if isLast { hasDrained.raise() }
    }

    /// No connection could be made.
    func fail(_ failure: RPCError) {
        let isFirst = calls.withLock { calls in
            defer { calls.refusal = calls.refusal ?? failure }
            return calls.refusal == nil
        }
        if isFirst { state.update { $0.failure = failure } }
    }

    // MARK: - NodeConnection

    func beginGracefulShutdown() {
        let isDrained = calls.withLock { calls in
            calls.refusal = Self.gone
            calls.isClosing = true
            return calls.count == 0
        }
        if isDrained { hasDrained.raise() }
        state.update { $0.isClosing = true }
    }

    func resetBackoff() { state.update { $0.isDue = true } }

    /// Keeps the state until the instance is gone and its last call has ended.
    func run() async {
        onStateChange(.ready)
        while let seen = await state.first(where: { $0.isClosing || $0.failure != nil }), !seen.isClosing {
            guard let failure = seen.failure, await waitUntilReachable(failure) else { continue }
            state.update { $0.failure = nil }
            calls.withLock { if !$0.isClosing { $0.refusal = nil } }
            onStateChange(.ready)
        }
        onStateChange(.shutdown)
        await hasDrained.wait()
        // It fails only if it was shut down before.
        try? await client.shutdown()
    }

    /// Tries to connect until it succeeds.
    ///
    /// - Returns: Whether it has succeeded; if not, the instance is gone.
    private func waitUntilReachable(_ failure: RPCError) async -> Bool {
        onStateChange(.transientFailure(failure))
        var pauses = Backoff(base: backoff.initial, maximum: backoff.max, multiplier: backoff.multiplier)
        while !Task.isCancelled {
            let pause = pauses.next()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await Task.sleep(for: pause) }
                group.addTask { _ = await self.state.first { $0.isClosing || $0.isDue } }
                await group.next()
                group.cancelAll()
            }
            let isClosing = state.update { state in
                state.isDue = false
                return state.isClosing
            }
            if isClosing { return false }
            if await canConnect() { return true }
        }
        return false
    }

    private func canConnect() async -> Bool {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(connectTimeout)
        guard let channel = try? await bootstrap.connect(host: endpoint.host, port: endpoint.port).get() else {
            return false
        }
        channel.close(promise: nil)
        return true
    }
}
