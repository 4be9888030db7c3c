/// One HTTP/2 connection of a `ClientConnection` that takes, or took, calls.
struct ClientLink: Sendable {
    enum Event: Sendable {
        /// Calls can be made.
        case ready(ClientLink)
        /// Calls wait for the server to take one more.
        case full
        /// The server was pinged more often than it wants.
        case tooManyPings
        /// No more calls can be made, for this reason; those that are open go on.
        case draining(String)
        /// It is gone, or could not be made, for this reason. Nothing follows.
        case closed(String)
    }

    var http2: HTTP2Connection
    /// The server, as gRPC describes it.
    var remotePeer: String
    /// This side, likewise.
    var localPeer: String
}

/// Passes on what happens to an HTTP/2 connection of a client.
final class ClientLinkDelegate: HTTP2ConnectionDelegate {
    private let onEvent: @Sendable (HTTP2Connection, ClientLink.Event) -> Void

    init(onEvent: @escaping @Sendable (HTTP2Connection, ClientLink.Event) -> Void) {
        self.onEvent = onEvent
    }

    func connectionReady(_ connection: HTTP2Connection) {
        let link = ClientLink(
            http2: connection, remotePeer: connection.remotePeer, localPeer: connection.localPeer
        )
        self.onEvent(connection, .ready(link))
    }

    func connectionHasWaitingRequests(_ connection: HTTP2Connection) {
        self.onEvent(connection, .full)
    }

    func connection(_ connection: HTTP2Connection, isDraining reason: String) {
        if connection.peerWantsFewerPings {
            self.onEvent(connection, .tooManyPings)
        }
        self.onEvent(connection, .draining(reason))
    }

    func connection(_ connection: HTTP2Connection, closed reason: String) {
        self.onEvent(connection, .closed(reason))
    }

    /// Servers open no streams.
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream, headers: HeaderBlock?) {}

    func connectionReadComplete(_ connection: HTTP2Connection) {}
}
