/// The streams of one connection: those that nghttp2 knows, and the requests that wait to be made.
///
/// nghttp2 refers to streams unretained, so this is what keeps them alive: each leaves when nghttp2 has reported it
/// closed, or when the session is gone. To be used on the event loop.
struct StreamTable {
    private var open: [Int32: HTTP2Stream] = [:]
    private var requests: RequestQueue

    init(maxQueuedRequests: Int) {
        self.requests = RequestQueue(maxCount: maxQueuedRequests)
    }

    /// Whether there are neither streams nor requests that wait to become some.
    var isEmpty: Bool { self.open.isEmpty && self.requests.isEmpty }

    subscript(id: Int32) -> HTTP2Stream? { self.open[id] }

    mutating func insert(_ stream: HTTP2Stream, id: Int32) {
        stream.id = id
        self.open[id] = stream
    }

    mutating func remove(id: Int32) -> HTTP2Stream? {
        self.open.removeValue(forKey: id)
    }

    mutating func removeAll() -> [HTTP2Stream] {
        defer { self.open = [:] }
        return Array(self.open.values) + self.requests.removeAll()
    }

    // MARK: Requests

    /// Whether there are requests that wait.
    var hasRequests: Bool { !self.requests.isEmpty }

    mutating func enqueue(_ stream: HTTP2Stream, _ head: StreamOutbound.Head) throws(StreamFailure) {
        try self.requests.append(stream, head)
    }

    /// Takes out the request that has waited longest.
    mutating func takeRequest() -> RequestQueue.Request? {
        self.requests.popFirst()
    }

    /// Puts a request that has waited elsewhere at the end.
    mutating func requeue(_ request: RequestQueue.Request) {
        self.requests.requeue(request)
    }

    mutating func dequeue(_ stream: HTTP2Stream) {
        self.requests.remove(stream)
    }

    mutating func removeRequests() -> [HTTP2Stream] {
        self.requests.removeAll()
    }

    /// Whether a request waits that the peer would take now.
    func canSubmitRequest(to session: HTTP2Session) -> Bool {
        !self.requests.isEmpty && self.open.count < session.peerMaxConcurrentStreams
    }

    /// Submits requests for as long as the peer takes them. Returns those that cannot be made.
    mutating func submitRequests(to session: HTTP2Session) -> [(stream: HTTP2Stream, failure: StreamFailure)] {
        var failed: [(HTTP2Stream, StreamFailure)] = []
        while self.canSubmitRequest(to: session) {
            switch self.requests.submitFirst(to: session) {
            case .submitted(let stream, let id): self.insert(stream, id: id)
            case .failed(let stream, let failure): failed.append((stream, failure))
            case .none: return failed
            }
        }
        return failed
    }
}
