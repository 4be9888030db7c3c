internal import DequeModule

/// One stream of watches: its requests, and the watch ids that it assigns.
///
/// The answer to a request assigns the watch its id ("number" here, to tell it from the table's own ids). A member of
/// etcd assigns the number in the request, and answers in order. A gRPC proxy assigns numbers of its own, and answers
/// requests in any order. So only one request at a time waits for its answer, until an answer shows that this stream
/// assigns the numbers in the requests.
struct WatchStream {
    /// A request to create a watch, without an answer yet.
    private struct Request {
        let watch: Int
        let number: Int64
        let sent: ContinuousClock.Instant
    }

    /// The watches to create, the oldest first.
    private var queue: Deque<Int>
    /// The numbers of the watches to cancel.
    private var cancels = Deque<Int64>()
    /// The requests without an answer, the oldest first.
    private var unanswered = Deque<Request>()
    /// The watches by their numbers.
    private var watches: [Int64: Int] = [:]
    /// The lowest and the highest assigned number.
    private var given: ClosedRange<Int64>?
    private var keepsNumbers = false

    init(_ watches: some Sequence<Int>) {
        queue = Deque(watches)
    }

    // MARK: - Requests

    mutating func create(_ watch: Int) {
        queue.append(watch)
    }

    /// Queues the cancellation of a watch. Its later events are ignored.
    mutating func cancel(_ number: Int64) {
        watches[number] = nil
        cancels.append(number)
    }

    /// Takes the number of a watch to cancel now.
    mutating func takeCancel() -> Int64? { cancels.popFirst() }

    /// Takes a watch to create now, if the stream may carry another request.
    mutating func takeCreate() -> Int? { unanswered.isEmpty || keepsNumbers ? queue.popFirst() : nil }

    /// Notes that the request to create a watch is sent.
    mutating func requested(_ watch: Int, _ number: Int64, at now: ContinuousClock.Instant) {
        unanswered.append(Request(watch: watch, number: number, sent: now))
    }

    var oldestUnanswered: ContinuousClock.Instant? { unanswered.first?.sent }

    // MARK: - Answers

    /// Finds the watch for an answer to a request, and its number; the number is `nil` if etcd refused the watch.
    /// Throws ``EtcdError`` when the answer fits no request, or assigns a number that another watch has or had.
    mutating func answered(_ response: WireWatchResponse) throws(EtcdError) -> (watch: Int, number: Int64?) {
        guard let request = unanswered.popFirst() else {
            throw Self.broken("it answers a request for a watch that the client did not send")
        }
        // A refusal does not always name the watch.
        if response.canceled { return (request.watch, nil) }
        let number = response.watchID
        guard number >= 0, number > (given?.upperBound ?? -1) else {
            throw Self.broken("it gives a watch the number \(number), which is invalid or was used before")
        }
        guard number == request.number || !keepsNumbers else {
            throw Self.broken("it gives a watch the number \(number); the client asked for \(request.number)")
        }
        keepsNumbers = number == request.number
        given = (given?.lowerBound ?? number)...number
        watches[number] = request.watch
        return (request.watch, number)
    }

    /// Finds the watch with a number; `nil` if the watch was cancelled, since etcd may report changes for a while.
    /// Throws ``EtcdError`` when no watch ever had the number.
    func watch(_ number: Int64) throws(EtcdError) -> Int? {
        if let watch = watches[number] { return watch }
        guard let given, given.contains(number) else {
            throw Self.broken("it names watch \(number), which was not created")
        }
        return nil
    }

    /// Removes a watch that etcd has ended.
    mutating func ended(_ number: Int64) {
        watches[number] = nil
    }

    private static func broken(_ what: String) -> EtcdError {
        EtcdError(code: .unavailable, message: "etcd: the stream of watches is unreliable: \(what)")
    }
}
