/// A gRPC proxy (`etcd grpc-proxy`) in front of the members of an ``EtcdServer``: a real process on loopback.
///
/// ```swift
/// try await EtcdServer.withServer { etcd in
///     let proxy = try await etcd.startProxy()
///     let client = Client(endpoints: [proxy.endpoint])
/// }
/// ```
///
/// A proxy differs from a member: it assigns watches numbers of its own, answers requests in any order, and renews
/// leases in its own time. It keeps its port while it does not run, and ends with the server.
public final class EtcdProxy: Sendable, CustomStringConvertible {
    /// The URL for clients.
    public let endpoint: String
    /// A text with the URL.
    public var description: String { process.description }

    private let arguments: [String]
    private let port: ReservedPort
    private let process: ServerProcess

    fileprivate init(_ program: String, to members: [String], in group: ProcessGroup) throws {
        port = try ReservedPort()
        endpoint = "http://127.0.0.1:\(port.number)"
        process = ServerProcess("gRPC proxy of etcd (\(endpoint))", log: "proxy-\(port.number)", in: group)
        arguments = [
            program, "grpc-proxy", "start",
            "--endpoints=" + members.joined(separator: ","),
            "--listen-addr=127.0.0.1:\(port.number)",
        ]
    }

    /// Starts the proxy again after ``kill()``, and returns when it listens.
    ///
    /// - Throws: ``EtcdServerFailure`` when it runs already, or does not start; then with the end of its log.
    public func start() async throws {
        try await process.start(arguments) { [port] in
            await LoopbackHTTP.get("/metrics", port: port.number)?.status == 200
        }
    }

    /// Kills the proxy with SIGKILL, and waits for its end.
    ///
    /// - Throws: ``EtcdServerFailure`` when it does not run.
    public func kill() async throws {
        try await process.kill()
    }
}

extension EtcdServer {
    /// Starts a gRPC proxy in front of all members, and returns it when it listens. Several proxies can run at the same
    /// time.
    ///
    /// - Throws: ``EtcdServerFailure`` when the members serve TLS, or the proxy does not start.
    public func startProxy() async throws -> EtcdProxy {
        guard options.tls == nil else {
            throw EtcdServerFailure(
                "cannot start a gRPC proxy in front of members that serve TLS; leave Options.tls out")
        }
        let proxy = try EtcdProxy(programs.etcd, to: endpoints, in: processes)
        try await proxy.start()
        return proxy
    }
}
