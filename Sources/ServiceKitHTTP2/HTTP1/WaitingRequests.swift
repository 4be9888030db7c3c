import DequeModule
import NIOHTTP1

/// The requests that have come behind the one that is served, on a connection of HTTP/1.1: it serves one at a time.
///
/// Reading stops while there are any. So there are no more than one read of the socket brings.
struct WaitingRequests {
    /// A result of the decoder.
    enum Event {
        case part(HTTPServerRequestPart)
        /// The next bytes are no request.
        case error(HTTPParserError)
    }

    private var events = Deque<Event>()

    var isEmpty: Bool { events.isEmpty }

    mutating func append(_ event: Event) { events.append(event) }

    mutating func takeFirst() -> Event? { events.popFirst() }

    mutating func removeAll() { events.removeAll() }
}
