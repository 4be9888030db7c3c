internal import DequeModule

/// A stream of watches: what it is to be asked for, and the numbers that it gives.
///
/// A watch's number is the one that the answer to its creation names. A member of etcd takes the number that it is asked
/// for, and answers in order. A gRPC proxy gives numbers of its own, and answers the requests that it has in any order. So
/// one request waits for its answer at a time, until an answer shows that this stream keeps to the numbers asked for.
struct WatchStream {
    /// A request to create a watch that has not been answered.
    private struct Request {
        let watch: Int
        let number: Int64
        let sent: ContinuousClock.Instant
    }

    /// Watches to be created, the oldest first.
    private var queue: Deque<Int>
    /// Numbers of watches to be ended.
    private var cancels = Deque<Int64>()
    /// Requests without an answer, the oldest first.
    private var unanswered = Deque<Request>()
    /// The watches by their numbers.
    private var watches: [Int64: Int] = [:]
    /// From the lowest number that was given to the highest.
    private var given: ClosedRange<Int64>?
    private var keepsNumbers = false

    init(_ watches: some Sequence<Int>) {
        queue = Deque(watches)
    }

    // MARK: - What is asked for

    /// A watch is to be created.
    mutating func create(_ watch: Int) {
        queue.append(watch)
    }

    /// A watch is to be ended; nothing is heard of it from now on.
    mutating func cancel(_ number: Int64) {
        watches[number] = nil
        cancels.append(number)
    }

    /// The number of a watch that is to be ended now.
    mutating func takeCancel() -> Int64? { cancels.popFirst() }

    /// A watch that is to be created now, if the stream takes a request.
    mutating func takeCreate() -> Int? { unanswered.isEmpty || keepsNumbers ? queue.popFirst() : nil }

    /// A watch is being created.
    mutating func requested(_ watch: Int, _ number: Int64, at now: ContinuousClock.Instant) {
        unanswered.append(Request(watch: watch, number: number, sent: now))
    }

    /// When the request was sent that has not been answered for the longest time.
    var oldestUnanswered: ContinuousClock.Instant? { unanswered.first?.sent }

    // MARK: - What is said

    /// The watch that an answer to a request is about; with its number, unless it was refused.
    ///
    /// - Throws: ``EtcdError`` when the answer fits no request, or gives a number that another watch has or had.
    mutating func answered(_ response: WireWatchResponse) throws(EtcdError) -> (watch: Int, number: Int64?) {
        guard let request = unanswered.popFirst() else {
            throw Self.broken("it answers a request for a watch that was not made")
        }
        // A refusal need not name the watch.
        if response.canceled { return (request.watch, nil) }
        let number = response.watchID
        guard number >= 0, number > (given?.upperBound ?? -1) else {
            throw Self.broken("it gives a watch the number \(number), which is not valid or was used before")
        }
        guard number == request.number || !keepsNumbers else {
            throw Self.broken("it gives a watch the number \(number), and was asked for \(request.number)")
        }
        keepsNumbers = number == request.number
        given = (given?.lowerBound ?? number)...number
        watches[number] = request.watch
        return (request.watch, number)
    }

    /// The watch that has a number; `nil` if it was ended: etcd may speak of it for a while.
    ///
    /// - Throws: ``EtcdError`` when no watch ever had it.
    func watch(_ number: Int64) throws(EtcdError) -> Int? {
        if let watch = watches[number] { return watch }
        guard let given, given.contains(number) else {
            throw Self.broken("it names watch \(number), which was not created")
        }
        return nil
    }

    /// etcd has ended a watch.
    mutating func ended(_ number: Int64) {
        watches[number] = nil
    }

    private static func broken(_ what: String) -> EtcdError {
        EtcdError(code: .unavailable, message: "etcd: the stream of watches cannot be relied on: \(what)")
    }
}
