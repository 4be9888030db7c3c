import Synchronization

/// The streams of a connection that have something for its event loop to do.
final class DirtyStreams: Sendable {
    private struct State {
        var streams: [HTTP2Stream] = []
        var isTickScheduled = false
    }

    private let state = Mutex(State())

    /// Adds a stream unless it is in the list. Returns whether the event loop has to be told to look.
    func add(_ stream: HTTP2Stream) -> Bool {
        guard !stream.isDirty.exchange(true, ordering: .acquiringAndReleasing) else { return false }
        return self.state.withLock { state in
            state.streams.append(stream)
            defer { state.isTickScheduled = true }
            return !state.isTickScheduled
        }
    }

    /// Takes all streams out, in exchange for an empty array whose memory is used from now on.
    func take(_ streams: inout [HTTP2Stream]) {
        self.state.withLock { state in
            state.isTickScheduled = false
            swap(&state.streams, &streams)
        }
        for stream in streams {
            // Before any of them is looked at, so that work added from now on puts its stream in the list again.
            _ = stream.isDirty.exchange(false, ordering: .acquiringAndReleasing)
        }
    }
}
