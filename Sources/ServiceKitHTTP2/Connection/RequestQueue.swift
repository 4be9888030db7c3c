import NIOCore

/// Requests of a client that wait until the server takes one more at a time, in order; a bounded number of them.
struct RequestQueue {
    enum Submission {
        case submitted(HTTP2Stream, id: Int32)
        case failed(HTTP2Stream, StreamFailure)
    }

    typealias Request = (stream: HTTP2Stream, head: StreamOutbound.Head)

    // On most connections no request ever waits.
    private var requests = CircularBuffer<Request>()
    private let maxCount: Int

    init(maxCount: Int) {
        self.maxCount = maxCount
    }

    var isEmpty: Bool { requests.isEmpty }

    mutating func append(_ stream: HTTP2Stream, _ head: StreamOutbound.Head) throws(StreamFailure) {
        guard requests.count < maxCount else {
            throw .notProcessed("\(requests.count) calls wait already for the peer to take one more")
        }
        requests.append((stream, head))
    }

    mutating func requeue(_ request: Request) {
        requests.append(request)
    }

    mutating func popFirst() -> Request? {
        requests.popFirst()
    }

    /// Submits the first request, if there is one.
    mutating func submitFirst(to session: HTTP2Session) -> Submission? {
        guard let (stream, head) = requests.popFirst() else { return nil }
        let limit = session.peerMaxHeaderListBytes
        guard head.fields.listSize <= limit else {
            return .failed(stream, .outboundHeadersTooLarge(bytes: head.fields.listSize, limit: limit))
        }
        guard let id = session.submitRequest(head, stream: stream) else {
            return .failed(stream, .notProcessed("the connection has used up its stream numbers"))
        }
        return .submitted(stream, id: id)
    }

    mutating func remove(_ stream: HTTP2Stream) {
        requests.removeAll { $0.stream === stream }
    }

    mutating func removeAll() -> [HTTP2Stream] {
        defer { requests.removeAll() }
        return requests.map(\.stream)
    }
}
