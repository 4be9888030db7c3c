internal import DequeModule
internal import Synchronization

/// What a watch has to tell and its reader has not taken yet: a bounded number of events.
final class WatchBuffer: Sendable {
    private struct State {
        var updates = Deque<WatchUpdate>()
        var events = 0
        var end: EtcdError?
        /// Whether something was refused because there was too much.
        var isSuspended = false
        var reader: CheckedContinuation<Void, Never>?

        var hasSomething: Bool { !updates.isEmpty || end != nil }
    }

    private enum Poll {
        case update(WatchUpdate, isDrained: Bool)
        case end(EtcdError)
        case wait
    }

    private let maxEvents: Int
    private let onDrained: @Sendable () -> Void
    private let state = Mutex(State())

    /// - Parameter onDrained: Called after something was refused, when the reader has caught up.
    init(maxEvents: Int, onDrained: @escaping @Sendable () -> Void) {
        self.maxEvents = maxEvents
        self.onDrained = onDrained
    }

    // MARK: - The hub's side

    /// Takes an update; the reader is told by `wake`.
    ///
    /// - Returns: Whether it was taken; events are not, if too many wait.
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
                // A reader that is behind is spared what came and went, so that this does not add up.
                state.updates.removeLast()
                return true
            }
            state.updates.append(update)
            return true
        }
    }

    /// Ends it, after what is there.
    func finish(_ error: EtcdError) {
        state.withLock { state in
            if state.end == nil { state.end = error }
        }
        wake()
    }

    /// Resumes the reader if there is something for it.
    func wake() {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.hasSomething else { return nil }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    // MARK: - The reader's side

    /// The next update; waits for one. `nil` when the task is cancelled.
    func next() async throws(EtcdError) -> WatchUpdate? {
        while !Task.isCancelled {
            switch poll() {
            case .update(let update, let isDrained):
                if isDrained { onDrained() }
                return update
            case .end(let error):
                throw error
            case .wait:
                await wait()
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

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumed = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                    if state.hasSomething || Task.isCancelled { return [continuation] }
                    defer { state.reader = continuation }
                    return state.reader.map { [$0] } ?? []
                }
                for continuation in resumed { continuation.resume() }
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume()
        }
    }
}
