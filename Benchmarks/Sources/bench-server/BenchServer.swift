import ArgumentParser
import BenchmarkSupport
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCNghttp2Transport
import NIOPosix
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitHTTP
import SwiftProtobuf

/// A server to be measured: prints its port, then serves until its standard input ends.
@main
struct BenchServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-server")

    @Option(help: "The transport.")
    var transport: TransportKind

    @Option(help: "How many event loops; by default as many as SwiftNIO's singleton has.")
    var threads: Int?

    @Option(help: "The executor of the calls' handlers; only nghttp2 has a choice.")
    var executor = ExecutorKind.default

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Serve with TLS: the files of the certificate and of its key, in PEM.", valueName: "file")
    )
    var tls: [String] = []

    @Flag(help: "Set no time limit on calls, as an App by default; only with --in-app.")
    var noTimeLimit = false

    @Flag(help: "Serve in an App, with its middleware and a time limit on every call; only nghttp2.")
    var inApp = false

    @Flag(help: "Serve without GRPCCore, as the code does that kit generates; only with --in-app.")
    var direct = false

    @Flag(help: "Serve notes over gRPC and HTTP, and bytes at /bytes; only with --in-app.")
    var http = false

    @Flag(help: "Refuse every call, as a limit of the server does; only with --in-app.")
    var refuse = false

    @Flag(help: "Compute for some 200 µs before each answer; only with --direct.")
    var work = false

    @Flag(help: "Register services by their type with the NIO transport, too.")
    var typedServices = false

    @Flag(help: "Write each answer at once, where the NIO transport would wait up to 100 µs for more.")
    var noFlushCoalescing = false

    func validate() throws {
        if let threads = self.threads, threads < 1 { throw ValidationError("--threads has to be 1 or more") }
        guard self.tls.isEmpty || self.tls.count == 2 else {
            throw ValidationError("--tls takes two files: CERTIFICATE KEY")
        }
        guard !self.inApp || self.transport == .nghttp2 && self.tls.isEmpty && self.threads == nil else {
            throw ValidationError("--in-app is for --transport nghttp2, and goes with no other option")
        }
        guard self.inApp || !self.direct && !self.refuse && !self.http && !self.noTimeLimit else {
            throw ValidationError("--direct, --http, --refuse and --no-time-limit are for --in-app")
        }
        guard self.direct || !self.work else { throw ValidationError("--work is for --direct") }
        guard self.transport == .nghttp2 || self.executor == .default else {
            throw ValidationError("--executor is for --transport nghttp2")
        }
        guard self.transport == .nio || !self.noFlushCoalescing else {
            throw ValidationError("--no-flush-coalescing is for --transport nio")
        }
    }

    func run() async throws {
        exitAtEndOfStandardInput()
        switch self.transport {
        case .nghttp2 where self.inApp: try await self.serveInApp()
        case .nghttp2: try await self.serveOnNghttp2()
        case .nio: try await self.serveOnNIO()
        }
    }

    private func serveOnNghttp2() async throws {
        let transport = Nghttp2ServerTransport(
            address: .ipv4(host: "127.0.0.1", port: 0),
            transportSecurity: self.tls.isEmpty
                ? .plaintext
                : .tls(
                    certificateChain: [.file(path: self.tls[0], format: .pem)],
                    privateKey: .file(path: self.tls[1], format: .pem)
                ),
            config: .defaults { self.executor.apply(to: &$0) },
            eventLoopGroup: self.eventLoops
        )
        let server = GRPCServer(transport: transport, router: Self.router())
        try await self.run(server) { try await transport.listeningAddress.port }
    }

    private func serveInApp() async throws {
        // The one call that the rate lets pass comes before the measured ones.
        let limit = self.refuse ? "{ per-second: 0.001, burst: 1 }" : "{}"
        let configuration = try Configuration(
            yaml: """
                app: { name: benchmark }
                log: { level: error }
                server:
                  grpc: { listen: "127.0.0.1:0" }
                  timeouts: \(self.noTimeLimit ? "{}" : "{ default: 10s }")
                  rate-limit: \(limit)
                """,
            origin: "bench-server"
        )
        let app = try App(
            configuration: configuration, plugins: self.http ? [.http] : [], registry: MemoryRegistry())
        if self.http {
            NoteService().add(to: app)
        } else if self.direct {
            app.serve(BenchmarkService(), descriptors: []) { [work] methods in
                methods.unary(BenchmarkMethod.echo) { (message: Google_Protobuf_BytesValue, _) in
                    work ? BenchmarkService.compute(message) : message
                }
                methods.stream(
                    BenchmarkMethod.stream,
                    deserializer: RawBytesDeserializer(),
                    serializer: RawBytesSerializer()
                ) { request, _ in try await BenchmarkService.stream(request) }
            }
        } else {
            app.serve(BenchmarkService())
        }
        app.afterStart {
            let instances = try await app.registry.instances(of: "benchmark")
            print(instances.flatMap(\.endpoints).first?.port ?? 0)
            fflush(nil)
        }
        try await app.run()
    }

    private func serveOnNIO() async throws {
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0),
            transportSecurity: self.tls.isEmpty
                ? .plaintext
                : .tls(
                    certificateChain: [.file(path: self.tls[0], format: .pem)],
                    privateKey: .file(path: self.tls[1], format: .pem)
                ),
            config: .defaults { if self.noFlushCoalescing { $0.connection.flushCoalescing = nil } },
            eventLoopGroup: self.eventLoops
        )
        var server = GRPCServer(transport: transport, services: [BenchmarkService()])
        if self.typedServices {
            server = GRPCServer(transport: transport, router: Self.router())
        }
        try await self.run(server) { try await transport.listeningAddress.ipv4?.port }
    }

    /// Registers the service by its type, so that GRPCCore's generic code is specialized for it.
    private static func router<Transport: ServerTransport>() -> RPCRouter<Transport> {
        var router = RPCRouter<Transport>()
        BenchmarkService().registerMethods(with: &router)
        return router
    }

    private var eventLoops: MultiThreadedEventLoopGroup {
        self.threads.map(MultiThreadedEventLoopGroup.init(numberOfThreads:)) ?? .singleton
    }

    private func run(_ server: GRPCServer<some ServerTransport>, port: () async throws -> Int?) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await server.serve() }
            guard let port = try await port() else { throw ValidationError("the server has no port") }
            print(port)
            fflush(nil)
        }
    }
}

/// The executor of the calls' handlers.
enum ExecutorKind: String, CaseIterable, ExpressibleByArgument {
    /// The transport's default.
    case `default`
    /// Swift's pool of threads.
    case pool
    /// The event loop of the call's connection.
    case loop

    func apply(to config: inout Nghttp2ServerTransport.Config) {
        switch self {
        case .default: break
        case .pool: config.handlerExecutor = .globalPool
        case .loop: config.handlerExecutor = .eventLoop
        }
    }
}
