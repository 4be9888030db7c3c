import Foundation
import GRPCCore
import ServiceKitTestSupport
import Synchronization
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// The server of the hostile clients, with low bounds.
struct HostileServer: Sendable {
    /// The servers of the running suite.
    @TaskLocal fileprivate static var running: [CallPath: HostileServer] = [:]

    /// The server of the running test.
    static var current: HostileServer? { running[CallPath.current] }

    let plaintext: TransportAddress
    let tls: TransportAddress

    /// The names of the cases of a subject.
    static func cases(_ subject: String) async throws -> [String] {
        guard PythonPeer.isAvailable else { return [] }
        return try await PythonPeer.hostile.lines(["list", subject])
    }

    private static let config = Nghttp2ServerTransport.Config.defaults {
        $0.maxMessageBytes = 64 * 1024
        $0.limits.maxHeaderListBytes = 4096
        $0.limits.maxHeaderFields = 32
        $0.limits.maxContinuationFrames = 8
        $0.limits.streamWindowBytes = 256 * 1024
        $0.limits.connectionWindowBytes = 64 * 1024
        $0.limits.maxBufferedBytesPerConnection = 1_000_000
        $0.limits.maxControlFramesPerSecond = 10
        $0.limits.maxResetsPerSecond = 5
        // Most cases must be faster, on a busy machine too. The cases that wait for these times wait less than TIMEOUT
        // in the script.
        $0.limits.handshakeTimeout = .seconds(8)
        $0.limits.writeTimeout = .seconds(8)
        $0.maxConcurrentCallsPerConnection = 10
    }

    /// The bounds, in the form of the script.
    var limits: String {
        let limits = Self.config.limits
        return """
            {
                "maxMessageBytes": \(Self.config.maxMessageBytes),
                "maxHeaderListBytes": \(limits.maxHeaderListBytes),
                "maxHeaderFields": \(limits.maxHeaderFields),
                "maxContinuationFrames": \(limits.maxContinuationFrames),
                "streamWindowBytes": \(limits.streamWindowBytes),
                "maxBufferedBytesPerConnection": \(limits.maxBufferedBytesPerConnection),
                "maxControlFramesPerSecond": \(limits.maxControlFramesPerSecond),
                "maxResetsPerSecond": \(limits.maxResetsPerSecond),
                "handshakeTimeout": \(limits.handshakeTimeout.components.seconds),
                "maxConcurrentCallsPerConnection": \(Self.config.maxConcurrentCallsPerConnection)
            }
            """
    }

    static func run(_ body: @Sendable (HostileServer) async throws -> Void) async throws {
        let service = RawService(handlers: Self.handlers)
        let plaintext = Nghttp2ServerTransport(serving: service, config: Self.config)
        try await withGRPCServer(transport: plaintext, services: [service]) { _ in
            let address = try await plaintext.listeningAddress
            guard TestSecurity.openssl != nil else {
                try await body(HostileServer(plaintext: address, tls: address))
                return
            }
            let tls = Nghttp2ServerTransport(
                serving: service, transportSecurity: try await TestSecurity.tls.server, config: Self.config
            )
            try await withGRPCServer(transport: tls, services: [service]) { _ in
                try await body(HostileServer(plaintext: address, tls: try await tls.listeningAddress))
            }
        }
    }

    // MARK: Handlers

    private static var handlers: [String: RawHandler] {
        let calls = CallCounter()
        return [
            "Echo": RawService.echo,
            // Reads nothing, and waits until the call is over.
            "Wait": { request, context in
                let call = calls.begin(request.metadata)
                return StreamingServerResponse { _ in
                    defer { withExtendedLifetime(call) {} }
                    try await context.cancellation.cancelled
                    throw CancellationError()
                }
            },
            // Sends until it fails.
            "Blast": { request, _ in
                let call = calls.begin(request.metadata)
                return StreamingServerResponse { writer in
                    defer { withExtendedLifetime(call) {} }
                    while true {
                        try await writer.write(Array(repeating: 0, count: 64 * 1024))
                    }
                }
            },
            // Answers when no other call of the message's case is running.
            "AwaitEnd": { request, _ in
                let message = try await ServerRequest(stream: request).message
                await calls.awaitEnd(String(decoding: message, as: UTF8.self))
                return StreamingServerResponse(single: ServerResponse(message: []))
            },
        ]
    }

    /// Counts the calls of each case that are running.
    private final class CallCounter: Sendable {
        private struct Case {
            var running = 0
            var waiters: [CheckedContinuation<Void, Never>] = []
        }

        private let cases = Mutex<[String: Case]>([:])

        /// Counts a call until its result is dropped: the handler of a response that cannot be sent does not run on.
        func begin(_ metadata: Metadata) -> Call {
            let name = metadata[stringValues: "x-case"].first { _ in true } ?? ""
            cases.withLock { $0[name, default: Case()].running += 1 }
            return Call(counter: self, name: name)
        }

        final class Call: Sendable {
            private let counter: CallCounter
            private let name: String

            init(counter: CallCounter, name: String) {
                self.counter = counter
                self.name = name
            }

            deinit {
                counter.end(name)
            }
        }

        fileprivate func end(_ name: String) {
            let waiters = self.cases.withLock { cases -> [CheckedContinuation<Void, Never>] in
                cases[name]?.running -= 1
                return cases[name]?.running == 0 ? cases.removeValue(forKey: name)?.waiters ?? [] : []
            }
            for waiter in waiters {
                waiter.resume()
            }
        }

        func awaitEnd(_ name: String) async {
            await withCheckedContinuation { continuation in
                let isRunning = self.cases.withLock { cases in
                    cases[name]?.waiters.append(continuation)
                    return cases[name] != nil
                }
                if !isRunning {
                    continuation.resume()
                }
            }
        }
    }
}

/// Runs a suite with a `HostileServer` for each path.
struct HostileServerTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Self.run(for: CallPath.allCases, function)
    }

    /// Starts a server for each path.
    private static func run(
        for paths: some BidirectionalCollection<CallPath> & Sendable,
        _ body: @Sendable () async throws -> Void
    ) async throws {
        guard let path = paths.last else { return try await body() }
        let others = Array(paths.dropLast())
        try await CallPath.$current.withValue(path) {
            try await HostileServer.run { server in
                let running = HostileServer.running.merging([path: server]) { $1 }
                try await HostileServer.$running.withValue(running) { try await run(for: others, body) }
            }
        }
    }
}

extension Trait where Self == HostileServerTrait {
    static var hostileServer: Self { Self() }
}
