internal import DequeModule
internal import ServiceKitConcurrency
internal import Synchronization

/// The updates of a watch that its reader has not taken yet: a bounded number of events.
final class WatchBuffer: Sendable {
    private struct State {
        var updates = Deque<WatchUpdate>()
        var events = 0
        var end: EtcdError?
        /// Whether an update was refused because the buffer was full.
        var isSuspended = false
    }

    private enum Poll {
        case update(WatchUpdate, isDrained: Bool)
        case end(EtcdError)
        case wait
    }

    private let maxEvents: Int
    private let onDrained: @Sendable () -> Void
    private let state = Mutex(State())
    /// Raised for the reader when there is an update or an end.
    private let forReader = Signal()

    /// `onDrained` is called when the reader has caught up after the buffer refused an update.
    init(maxEvents: Int, onDrained: @escaping @Sendable () -> Void) {
        self.maxEvents = maxEvents
        self.onDrained = onDrained
    }

    // MARK: - The hub's side

    /// Adds an update, unless it is events and the buffer is full; `wake` tells the reader. Returns whether the buffer
    /// took the update.
    func offer(_ update: WatchUpdate) -> Bool {
        state.withLock { state in
            if case .events(let events) = update {
                guard state.events == 0 || state.events + events.count <= maxEvents else {
                    state.isSuspended = true
                    return false
                }
                state.events += events.count
            } else if case .progress = update, case .progress? = state.updates.last {
                state.updates.removeLast()
            } else if case .connected = update, case .interrupted? = state.updates.last, state.updates.count > 1 {
                // A slow reader does not need the interruption that is over. Without both updates the buffer stays
                // small.
                state.updates.removeLast()
                return true
            }
            state.updates.append(update)
            return true
        }
    }

    /// Ends the buffer after the updates that it holds.
    func finish(_ error: EtcdError) {
        state.withLock { state in
            if state.end == nil { state.end = error }
        }
        wake()
    }

    /// Tells the reader of the offered updates.
    func wake() {
        forReader.raise()
    }

    // MARK: - The reader's side

    /// Waits for the next update; `nil` when the task is cancelled.
    func next() async throws(EtcdError) -> WatchUpdate? {
        while !Task.isCancelled {
            switch poll() {
            case .update(let update, let isDrained):
                if isDrained { onDrained() }
                return update
            case .end(let error):
                throw error
            case .wait:
                await forReader.wait()
            }
        }
        return nil
    }

    private func poll() -> Poll {
        state.withLock { state in
            guard let update = state.updates.popFirst() else { return state.end.map(Poll.end) ?? .wait }
            if case .events(let events) = update { state.events -= events.count }
            let isDrained = state.isSuspended && state.events <= maxEvents / 2
            if isDrained { state.isSuspended = false }
            return .update(update, isDrained: isDrained)
        }
    }
}
