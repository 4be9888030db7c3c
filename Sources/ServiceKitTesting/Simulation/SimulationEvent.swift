internal import HeapModule
internal import ServiceKit

/// Something that happens at a time.
enum SimulationEvent {
    /// A client makes a call, unless its load has changed since.
    case arrival(ClientModel, epoch: Int)
    /// A call has another attempt.
    case attempt(SimulatedCall)
    /// A call may have another attempt beside those in flight, if it has had none since.
    case hedge(SimulatedCall, after: Int)
    /// An attempt comes to its server.
    case serve(SimulatedAttempt)
    /// A worker has done an attempt's work.
    case finish(SimulatedAttempt)
    /// The server's answer comes to the client.
    case answer(SimulatedAttempt, ServiceError.Code?, LoadReport?)
    /// A call may not take longer.
    case deadline(SimulatedCall)
    /// The scenario goes on.
    case action((Simulation) -> Void)
}

/// The events to come: the earliest first, and of several at one time the one that was added first.
struct EventQueue {
    private struct Entry: Comparable {
        let time: UInt64
        let number: UInt64
        let event: SimulationEvent

        static func < (left: Entry, right: Entry) -> Bool {
            (left.time, left.number) < (right.time, right.number)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }
    }

    private var entries = Heap<Entry>()
    private var added: UInt64 = 0

    mutating func add(_ event: SimulationEvent, at time: UInt64) {
        added += 1
        entries.insert(Entry(time: time, number: added, event: event))
    }

    /// Takes the next event, if it comes before a time.
    mutating func next(before end: UInt64) -> (time: UInt64, event: SimulationEvent)? {
        guard let first = entries.min, first.time < end else { return nil }
        entries.removeMin()
        return (first.time, first.event)
    }
}
