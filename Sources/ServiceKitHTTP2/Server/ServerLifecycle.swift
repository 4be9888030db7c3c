import Glibc
import NIOCore
import Synchronization

/// A server was asked to listen when it could not.
package enum ServerLifecycleError: Error {
    case listensAlready
    /// It was shut down before it listened.
    case shutDown
}

/// The life of a server: its listener and its connections.
///
/// | phase | event | phase | effect |
/// |---|---|---|---|
/// | idle | `beginListening` | binding | |
/// | binding, listening, draining | `beginListening` | the same | throws `listensAlready` |
/// | binding | `failedToListen` | stopped | those who ask for the address get the error |
/// | binding | `run` | listening | those who ask for the address get it |
/// | idle | shutdown | stopped | those who ask for the address get `shutDown`; `beginListening` returns `false` |
/// | binding | shutdown | draining | `run` closes the listener at once |
/// | listening | shutdown; the listener closes | draining | the listener closes; connections drain |
/// | draining | listener and last connection are gone | stopped | `run` returns |
/// | any | the task of `run` is cancelled | draining | as a shutdown; connections close and requests are cancelled |
final class ServerLifecycle: Sendable {
    private struct Listener {
        var channel: any Channel

        func close() {
            // First the name, then the socket: later it could be the name of another server's.
            if case .unixDomainSocket? = channel.localAddress, let path = channel.localAddress?.pathname {
                unlink(path)
            }
            channel.close(promise: nil)
        }
    }

    private enum Phase {
        case idle
        case binding
        case listening(Listener)
        /// No new connections; the open ones end.
        case draining
        case stopped
    }

    private enum Address {
        case unknown
        case known(TransportAddress)
        case failed(any Error)
    }

    private typealias AddressWaiter = CheckedContinuation<TransportAddress, any Error>

    private struct State {
        var phase = Phase.idle
        var isListenerClosed = false
        var connections: [ObjectIdentifier: AcceptedConnection] = [:]
        var runner: CheckedContinuation<Void, Never>?
        var address = Address.unknown
        var addressWaiters: [Int: AddressWaiter] = [:]
        var lastWaiter = 0

        /// Returns the runner if the last has ended.
        mutating func stopIfDrained() -> CheckedContinuation<Void, Never>? {
            guard case .draining = phase, isListenerClosed, connections.isEmpty else { return nil }
            guard let runner else { return nil }
            self.runner = nil
            phase = .stopped
            return runner
        }

        mutating func resolveAddress(_ address: Address) -> [AddressWaiter] {
            self.address = address
            defer { addressWaiters = [:] }
            return Array(addressWaiters.values)
        }
    }

    private let state = Mutex(State())

    // MARK: - Listening

    /// Returns `false` if the server was shut down before.
    func beginListening() throws -> Bool {
        try state.withLock { state in
            switch state.phase {
            case .idle:
                state.phase = .binding
                return true
            case .stopped:
                return false
            case .binding, .listening, .draining:
                throw ServerLifecycleError.listensAlready
            }
        }
    }

    func failedToListen(_ error: any Error) {
        let waiters = state.withLock { state in
            state.phase = .stopped
            return state.resolveAddress(.failed(error))
        }
        for waiter in waiters {
            waiter.resume(throwing: error)
        }
    }

    /// Returns when the listener is closed and the last connection is gone.
    func run(_ channel: any Channel, _ address: TransportAddress) async {
        let listener = Listener(channel: channel)
        let (waiters, isShutDown) = self.state.withLock { state in
            // It may have been shut down while it was binding.
            let isShutDown = if case .binding = state.phase { false } else { true }
            if !isShutDown {
                state.phase = .listening(listener)
            }
            return (state.resolveAddress(.known(address)), isShutDown)
        }
        for waiter in waiters {
            waiter.resume(returning: address)
        }
        channel.closeFuture.whenComplete { _ in self.listenerClosed() }
        if isShutDown {
            listener.close()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let runner = self.state.withLock { state in
                    state.runner = continuation
                    return state.stopIfDrained()
                }
                runner?.resume()
            }
        } onCancel: {
            self.cancel()
        }
    }

    private func listenerClosed() {
        // However it was closed, there will be no new connections.
        beginGracefulShutdown()
        let runner = state.withLock { state in
            state.isListenerClosed = true
            return state.stopIfDrained()
        }
        runner?.resume()
    }

    /// Whether it was listening, and does so no more.
    var isListenerClosed: Bool { state.withLock { $0.isListenerClosed } }

    // MARK: - Connections

    enum Admission {
        case accepted
        /// The server has as many as it may.
        case full
        /// The server is stopping.
        case late
    }

    func accept(_ connection: AcceptedConnection, maxConnections: Int) -> Admission {
        state.withLock { state in
            switch state.phase {
            case .binding, .listening:
                guard state.connections.count < maxConnections else { return .full }
                state.connections[ObjectIdentifier(connection)] = connection
                return .accepted
            case .idle, .draining, .stopped:
                return .late
            }
        }
    }

    /// The number of tasks that have not returned, on all connections.
    var runningTasks: Int {
        let connections = state.withLock { Array($0.connections.values) }
        return connections.reduce(0) { $0 + $1.runningTasks }
    }

    /// The number of open connections.
    var openConnections: Int { state.withLock(\.connections.count) }

    func finished(_ connection: AcceptedConnection) {
        let runner = state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = nil
            return state.stopIfDrained()
        }
        runner?.resume()
    }

    // MARK: - Ending

    func beginGracefulShutdown() {
        let (listener, connections, waiters) = state.withLock { state in
            switch state.phase {
            case .idle:
                state.phase = .stopped
                return (
                    nil as Listener?, [] as [AcceptedConnection],
                    state.resolveAddress(.failed(ServerLifecycleError.shutDown))
                )
            case .binding:
                state.phase = .draining
                return (nil, Array(state.connections.values), [])
            case .listening(let listener):
                state.phase = .draining
                return (listener, Array(state.connections.values), [])
            case .draining, .stopped:
                return (nil, [], [])
            }
        }
        for waiter in waiters {
            waiter.resume(throwing: ServerLifecycleError.shutDown)
        }
        listener?.close()
        for connection in connections {
            connection.beginGracefulShutdown()
        }
    }

    /// Ends all connections and calls at once.
    private func cancel() {
        beginGracefulShutdown()
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections {
            connection.cancel()
        }
    }

    // MARK: - The address

    var listeningAddress: TransportAddress {
        get async throws {
            let id = state.withLock { state in
                state.lastWaiter += 1
                return state.lastWaiter
            }
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let address: Address? = state.withLock { state in
                        guard case .unknown = state.address else { return state.address }
                        // Under the lock: a task cancelled later finds its waiter in place.
                        guard !Task.isCancelled else { return .failed(CancellationError()) }
                        state.addressWaiters[id] = continuation
                        return nil
                    }
                    switch address {
                    case .known(let address): continuation.resume(returning: address)
                    case .failed(let error): continuation.resume(throwing: error)
                    case .unknown, .none: break
                    }
                }
            } onCancel: {
                let waiter = state.withLock { $0.addressWaiters.removeValue(forKey: id) }
                waiter?.resume(throwing: CancellationError())
            }
        }
    }
}
