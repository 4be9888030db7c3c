import GRPCCore
import Logging
import NIOPosix
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitGRPC
@testable import ServiceKitHTTP2

/// Hooks around calls: each call that a hook has begun is ended, however it goes on.
@Suite(.timeLimit(.minutes(1)))
struct ServerCallHookTests {
    @Test func brokenConnectionEndsItsCalls() async throws {
        let hook = CountingHook()
        try await withServer(hook) { address in
            // A frame for stream 0 that must have a stream breaks the connection, in the turn that brings the call.
            let bytes =
                Frames.preface + Frames.settings + Frames.request(stream: 1, method: "Echo")
                + Frames.data(stream: 0, [1])
            _ = try await Frames.exchange(address, bytes) { _ in false }
            try await eventually { hook.begun.value == 1 && hook.outcomes.value.count == 1 }
        }
    }

    @Test func requestWhoseConnectionClosesBeforeItsTaskIsAbandoned() {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let server = ServerConnection(
            handler: WaitingHandler(), maxConcurrentStreams: 1, executor: nil, logger: Logger(label: "test")
        ) {}
        let connection = HTTP2Connection(
            config: .test(role: .server(maxConcurrentStreams: 1), limits: .defaults),
            scheduler: LoopScheduler(loop: loop),
            delegate: server
        )
        let stream = HTTP2Stream(connection: connection)
        server.connection(connection, opened: stream, headers: HeaderBlock())
        server.connection(connection, closed: "the peer has gone")
        #expect(stream.refusal == "abandoned")
    }

    @Test func refusedCallIsAnsweredWithoutATask() async throws {
        let hook = CountingHook(refusing: Status(code: .resourceExhausted, message: "too many calls"))
        try await withServer(hook) { address in
            let bytes = Frames.preface + Frames.settings + Frames.request(stream: 1, method: "Echo")
            let answer = try await Frames.exchange(address, bytes) { answer in
                Frames.summary(answer).contains { $0.type == 1 && $0.stream == 1 && $0.flags & 1 != 0 }
            }
            #expect(Frames.summary(answer).contains { $0.type == 1 && $0.stream == 1 })
        }
        #expect(hook.begun.value == 1)
        #expect(hook.started.value == 0)
        #expect(hook.outcomes.value.isEmpty)
    }

    /// The body is larger than all windows together. The next call on the connection is served.
    @Test func callThatIsRefusedByItsHeadIsNotBegun() async throws {
        let hook = CountingHook()
        let trailers: Metadata = ["grpc-retry-pushback-ms": "100"]
        let refusal = ServerRefusal(Status(code: .resourceExhausted, message: "too many calls"), trailers)
        hook.headRefusal.update { $0 = refusal }
        try await withServer(hook) { address in
            try await withClient(address) { client in
                for _ in 0..<100 {
                    let error = await #expect(throws: RPCError.self) {
                        let request = ClientRequest(message: [UInt8](repeating: 1, count: 300_000))
                        return try await client.rawUnary("Echo", request, .defaults).message
                    }
                    #expect(error?.code == .resourceExhausted && error?.message == "too many calls")
                    #expect(error.map { Array($0.metadata[stringValues: "grpc-retry-pushback-ms"]) } == ["100"])
                }
                #expect(hook.begun.value == 0)
                #expect(
                    hook.heads.value.allSatisfy { $0 == "/\(RawService.name)/Echo" } && hook.heads.value.count == 100)
                hook.headRefusal.update { $0 = nil }
                let response = try await client.rawUnary("Echo", ClientRequest(message: [1, 2, 3]), .defaults)
                #expect(try response.message == [1, 2, 3])
                #expect(hook.begun.value == 1)
            }
        }
    }

    /// What is wrong with a request is said, whatever the hook would say.
    @Test(arguments: [
        [(":method", "GET"), ("content-type", "application/grpc"), ("te", "trailers")],
        [(":method", "POST"), ("content-type", "text/plain"), ("te", "trailers")],
        [(":method", "POST"), ("content-type", "application/grpc")],
    ])
    func requestThatIsNoCallIsNotRefusedByItsHead(_ fields: [(String, String)]) async throws {
        let hook = CountingHook()
        let refusal = ServerRefusal(Status(code: .resourceExhausted, message: "too many calls"), [:])
        hook.headRefusal.update { $0 = refusal }
        try await withServer(hook) { address in
            let path = [(":scheme", "http"), (":path", "/\(RawService.name)/Echo"), (":authority", "x")]
            let bytes =
                Frames.preface + Frames.settings
                + Frames.headers(stream: 1, Array(fields.prefix(1)) + path + Array(fields.dropFirst()), endStream: true)
            _ = try await Frames.exchange(address, bytes) { answer in
                Frames.summary(answer).contains { $0.type == 1 && $0.stream == 1 && $0.flags & 1 != 0 }
            }
        }
        #expect(hook.heads.value.isEmpty && hook.begun.value == 0)
    }

    private func withServer(_ hook: CountingHook, _ body: (TransportAddress) async throws -> Void) async throws {
        let service = RawService(handlers: ["Echo": RawService.echo])
        let transport = Nghttp2ServerTransport(
            address: .anyPort,
            transportSecurity: .plaintext,
            config: .defaults,
            hook: hook,
            direct: service.methods.handlers,
            logger: Logger(label: "test")
        )
        try await withGRPCServer(transport: transport, services: [service]) { _ in
            try await body(try await transport.listeningAddress)
        }
    }
}

/// Counts its calls.
private final class CountingHook: ServerCallHook {
    let begun = Shared(0)
    let started = Shared(0)
    let outcomes = Shared<[ServerCall.Outcome]>([])
    /// The answer to calls by their heads.
    let headRefusal = Shared<ServerRefusal?>(nil)
    /// The paths of the calls that it was asked about.
    let heads = Shared<[String]>([])
    private let refusal: Status?

    init(refusing refusal: Status? = nil) {
        self.refusal = refusal
    }

    func applies(to method: MethodDescriptor) -> Bool { true }

    var refusesHeads: Bool { headRefusal.value != nil }

    func refusal(of head: ServerCallHead) -> ServerRefusal? {
        heads.update { $0.append(head.path) }
        return headRefusal.value
    }

    func begin(_ call: ServerCall) -> (any HookedCall)? {
        begun.update { $0 += 1 }
        guard let refusal else { return Counted(call, self) }
        call.answer(refusal, [:])
        return nil
    }

    private final class Counted: HookedCall {
        private let call: ServerCall
        private let hook: CountingHook

        init(_ call: ServerCall, _ hook: CountingHook) {
            self.call = call
            self.hook = hook
        }

        func start(on executor: (any TaskExecutor)?) -> Task<Void, Never> {
            hook.started.update { $0 += 1 }
            return Task(executorPreference: executor) { await self.call.run(within: self) }
        }

        func end(_ outcome: ServerCall.Outcome) -> (status: Status, trailers: Metadata) {
            hook.outcomes.update { $0.append(outcome) }
            return (Status(code: .ok, message: ""), [:])
        }
    }
}

/// Waits with each request for its task.
private struct WaitingHandler: RequestHandler {
    private final class Request: RequestTask {
        let stream: HTTP2Stream
        var id: Int32 { stream.id }

        init(_ stream: HTTP2Stream) {
            self.stream = stream
        }

        func start(on executor: (any TaskExecutor)?) -> Task<Void, Never> {
            stream.refusal = "started"
            return Task {}
        }

        func abandon() {
            stream.refusal = "abandoned"
        }
    }

    func open(_ stream: HTTP2Stream, headers: HeaderBlock?, on connection: ServerConnection) -> (any RequestTask)? {
        Request(stream)
    }
}
