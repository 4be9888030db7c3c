/// A connection of a client that takes, or took, requests.
package struct ReadyConnection: Sendable {
    var http2: HTTP2Connection
    /// The server's address, in gRPC's notation.
    package var remotePeer: String
    /// This side's address, likewise.
    package var localPeer: String
}

/// An event of one connection of a client.
enum ClientEvent: Sendable {
    /// Requests can be made.
    case ready(ReadyConnection)
    /// Requests wait for the server to take one more.
    case full
    /// The server was pinged more often than it wants.
    case tooManyPings
    /// No more requests can be made, for this reason; the open ones go on.
    case draining(String)
    /// The connection is gone, or could not be made, for this reason. No event follows.
    case closed(String)
}

/// Makes events of the calls of a connection.
final class ClientDelegate: HTTP2ConnectionDelegate {
    private let onEvent: @Sendable (HTTP2Connection, ClientEvent) -> Void

    init(onEvent: @escaping @Sendable (HTTP2Connection, ClientEvent) -> Void) {
        self.onEvent = onEvent
    }

    func connectionReady(_ connection: HTTP2Connection) {
        let ready = ReadyConnection(
            http2: connection, remotePeer: connection.ends.remote, localPeer: connection.ends.local
        )
        onEvent(connection, .ready(ready))
    }

    func connectionHasWaitingRequests(_ connection: HTTP2Connection) {
        onEvent(connection, .full)
    }

    func connection(_ connection: HTTP2Connection, isDraining reason: String) {
        if connection.notices.wantsFewerPings {
            onEvent(connection, .tooManyPings)
        }
        onEvent(connection, .draining(reason))
    }

    func connection(_ connection: HTTP2Connection, closed reason: String) {
        onEvent(connection, .closed(reason))
    }

    /// Servers open no streams.
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream, headers: HeaderBlock?) {}

    func connectionReadComplete(_ connection: HTTP2Connection) {}
}
