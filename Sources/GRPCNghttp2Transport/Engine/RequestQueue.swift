import NIOCore

/// Requests of a client that wait until the server takes one more at a time, in order; a bounded number of them.
struct RequestQueue {
    enum Submission {
        case submitted(HTTP2Stream, id: Int32)
        case failed(HTTP2Stream, StreamFailure)
    }

    typealias Request = (stream: HTTP2Stream, head: StreamOutbound.Head)

    // Most connections never have one that waits.
    private var requests = CircularBuffer<Request>()
    private let maxCount: Int

    init(maxCount: Int) {
        self.maxCount = maxCount
    }

    var isEmpty: Bool { self.requests.isEmpty }

    mutating func append(_ stream: HTTP2Stream, _ head: StreamOutbound.Head) throws(StreamFailure) {
        guard self.requests.count < self.maxCount else {
            throw .notProcessed("\(self.requests.count) calls wait already for the peer to take one more")
        }
        self.requests.append((stream, head))
    }

    mutating func requeue(_ request: Request) {
        self.requests.append(request)
    }

    mutating func popFirst() -> Request? {
        self.requests.popFirst()
    }

    /// Submits the first request, if there is one.
    mutating func submitFirst(to session: HTTP2Session) -> Submission? {
        guard let (stream, head) = self.requests.popFirst() else { return nil }
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
        self.requests.removeAll { $0.stream === stream }
    }

    mutating func removeAll() -> [HTTP2Stream] {
        defer { self.requests.removeAll() }
        return self.requests.map(\.stream)
    }
}
