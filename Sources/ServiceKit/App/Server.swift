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
    /// - Parameter ready: Call it once, when connections are accepted, with the addresses listened on. A listener that
    ///   other processes cannot be sent to, such as a Unix domain socket, has none.
    /// - Throws: An error that names the address and why the server cannot serve there.
    func run(ready: @escaping @Sendable ([Endpoint]) -> Void) async throws

    /// Accepts no more connections and calls, and lets those in flight end.
    func beginGracefulShutdown()

    /// The work of the server at this moment, for ``App/snapshot()``; `nil`, the default, for a server that does not count it.
    var load: ServerLoad? { get }
}

extension Server {
    /// Not counted.
    public var load: ServerLoad? { nil }
}

/// The work of a server at one moment.
public struct ServerLoad: Codable, Hashable, Sendable {
    /// The connections that are open.
    public var connections: Int
    /// The calls whose handlers have not ended.
    public var callsInFlight: Int

    /// Creates a load.
    public init(connections: Int, callsInFlight: Int) {
        self.connections = connections
        self.callsInFlight = callsInFlight
    }
}
