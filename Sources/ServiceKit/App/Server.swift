/// A server that an App runs: for gRPC, for HTTP.
///
/// Its options are the section `server.NAME`, which it reads by `configuration.serverOptions(_:named:)`.
public protocol Server: Sendable {
    /// The server's name, in logs and in the path of its section: `grpc`.
    var name: String { get }

    /// Serves until it is stopped.
    ///
    /// Returns after ``beginGracefulShutdown()``, when the last call has ended. When its task is cancelled, it cuts the
    /// calls that are left and returns soon.
    /// - Parameter ready: To be called once, when connections are accepted, with the addresses listened on. A listener that
    ///   other processes cannot be sent to, such as a Unix domain socket, has none.
    /// - Throws: An error that names the address and why the server cannot serve there.
    func run(ready: @escaping @Sendable ([Endpoint]) -> Void) async throws

    /// Accepts no more connections and calls, and lets those in flight end.
    func beginGracefulShutdown()
}
