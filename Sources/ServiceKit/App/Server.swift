/// Something that listens and serves, run by an App: a gRPC server, an HTTP server.
public protocol Server: Sendable {
    /// What it is called in logs: `grpc`.
    var name: String { get }

    /// The host, or host and port, that others are to be given in place of what it listens on.
    var advertise: String? { get }

    /// Serves until it is stopped.
    ///
    /// Returns after ``beginGracefulShutdown()``, when the last call has ended. When its task is cancelled it cuts the
    /// calls that are left and returns soon.
    /// - Parameter ready: To be called once, when connections are accepted, with the address listened on; `nil` when it
    ///   has none that others could use, such as a Unix domain socket.
    /// - Throws: Why it cannot serve: an error that names the address.
    func run(ready: @escaping @Sendable (Endpoint?) -> Void) async throws

    /// Accepts no more connections and calls, and lets those in flight end.
    func beginGracefulShutdown()
}
