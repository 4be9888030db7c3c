import Foundation
import Synchronization

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
    private static let pollInterval = Duration.milliseconds(20)

    /// The URL for clients.
    public let endpoint: String
    /// A text with the URL.
    public var description: String { "gRPC proxy of etcd (\(endpoint))" }

    private let arguments: [String]
    private let log: String
    private let port: ReservedPort
    private let group: ProcessGroup
    private let process = Mutex<ChildProcess?>(nil)

    fileprivate init(_ program: String, to members: [String], in group: ProcessGroup) throws {
        port = try ReservedPort()
        endpoint = "http://127.0.0.1:\(port.number)"
        log = "\(group.directory)/proxy-\(port.number).log"
        self.group = group
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
        let started = try process.withLock { process in
            guard process == nil else { throw EtcdServerFailure("cannot start the \(self): it runs") }
            let started = try group.spawn(arguments, output: log, errors: log)
            process = started
            return started
        }
        let deadline = ContinuousClock.now + EtcdServer.processLimit
        while await LoopbackHTTP.get("/metrics", port: port.number)?.status != 200 {
            try Task.checkCancellation()
            let exit = started.exit
            guard exit == nil, ContinuousClock.now < deadline else {
                let end = exit.map { "it ended with \($0)" } ?? "it did not listen within \(EtcdServer.processLimit)"
                let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
                throw EtcdServerFailure("cannot start the \(self): \(end)\n\(text.suffix(4_096))")
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    /// Kills the proxy with SIGKILL, and waits for its end.
    ///
    /// - Throws: ``EtcdServerFailure`` when it does not run.
    public func kill() async throws {
        let running = process.withLock { process in
            defer { process = nil }
            return process
        }
        guard let running else { throw EtcdServerFailure("cannot kill the \(self): it does not run") }
        running.send(SIGKILL)
        guard await running.exit(within: EtcdServer.processLimit) != nil else {
            try Task.checkCancellation()
            throw EtcdServerFailure("the \(self) has not ended within \(EtcdServer.processLimit)")
        }
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
