/// The streams of one connection: the open ones, which nghttp2 knows, and requests that wait to be made.
///
/// nghttp2 refers to streams unretained. The table keeps them alive: a stream leaves when nghttp2 has reported it
/// closed, or when the session is gone. Use it on the event loop.
struct StreamTable {
    private var open = StreamIDTable()
    private var requests: RequestQueue

    init(maxQueuedRequests: Int) {
        requests = RequestQueue(maxCount: maxQueuedRequests)
    }

    /// Whether there are neither streams nor requests that wait to become some.
    var isEmpty: Bool { open.isEmpty && requests.isEmpty }

    subscript(id: Int32) -> HTTP2Stream? { open[id] }

    mutating func insert(_ stream: HTTP2Stream, id: Int32) {
        stream.id = id
        open.insert(stream)
    }

    mutating func remove(id: Int32) -> HTTP2Stream? {
        open.remove(id)
    }

    mutating func removeAll() -> [HTTP2Stream] {
        open.removeAll() + requests.removeAll()
    }

    // MARK: - Requests

    /// Whether there are requests that wait.
    var hasRequests: Bool { !requests.isEmpty }

    mutating func enqueue(_ stream: HTTP2Stream, _ head: StreamOutbound.Head) throws(StreamFailure) {
        try requests.append(stream, head)
    }

    /// Takes out the request that has waited longest.
    mutating func takeRequest() -> RequestQueue.Request? {
        requests.popFirst()
    }

    /// Puts a request that has waited elsewhere at the end.
    mutating func requeue(_ request: RequestQueue.Request) {
        requests.requeue(request)
    }

    mutating func dequeue(_ stream: HTTP2Stream) {
        requests.remove(stream)
    }

    mutating func removeRequests() -> [HTTP2Stream] {
        requests.removeAll()
    }

    /// Whether a request waits that the peer would take now.
    func canSubmitRequest(to session: HTTP2Session) -> Bool {
        !requests.isEmpty && open.count < session.peerMaxConcurrentStreams
    }

    /// Submits requests for as long as the peer takes them. Returns the requests that cannot be made.
    mutating func submitRequests(to session: HTTP2Session) -> [(stream: HTTP2Stream, failure: StreamFailure)] {
        var failed: [(HTTP2Stream, StreamFailure)] = []
        while canSubmitRequest(to: session) {
            switch requests.submitFirst(to: session) {
            case .submitted(let stream, let id): insert(stream, id: id)
            case .failed(let stream, let failure): failed.append((stream, failure))
            case .none: return failed
            }
        }
        return failed
    }
}
