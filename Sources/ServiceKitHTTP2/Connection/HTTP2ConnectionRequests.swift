import NIOCore
import Synchronization

/// The requests that a client makes on a connection, which may have to wait for the server to allow one more.
extension HTTP2Connection {
    func serviceRequest(_ stream: HTTP2Stream, reset: HTTP2ErrorCode?) {
        if reset != nil {
            streams.dequeue(stream)
            close(stream, .cancelled, isFailure: true)
            return
        }
        guard let head = stream.takeHead() else { return }
        if let deadline = stream.deadline { stream.replaceDeadline(deadline) }
        do throws(StreamFailure) {
            guard phase != .draining else { throw .notProcessed("the peer takes no more calls") }
            try streams.enqueue(stream, head)
        } catch {
            if case .notProcessed = error, phase == .open {
                limitLog.report(.queuedCalls, peer: ends.remote, "more calls wait than may")
            }
            close(stream, error, isFailure: true)
        }
    }

    /// Lets another connection, on the same event loop, make requests that wait here for the peer to take one more.
    func handOverRequests(to other: HTTP2Connection) {
        while other.session != nil, other.phase == .open, other.room > 0, let request = streams.takeRequest() {
            request.stream.connection = other
            madeStreams.subtract(1, ordering: .relaxed)
            other.madeStreams.add(1, ordering: .relaxed)
            other.streams.requeue(request)
        }
        scheduler.run(for: other)
    }

    func peerIsGoingAway(_ reason: String) {
        guard phase == .open || phase == .starting else { return }
        phase = .draining
        stopTakingCalls()
        for stream in streams.removeRequests() {
            close(stream, .notProcessed(reason), isFailure: true)
        }
        delegate?.connection(self, isDraining: reason)
    }
}
