import NIOCore
import Synchronization

/// The requests that a client makes on a connection, which may have to wait for the server to allow one more.
extension HTTP2Connection {
    func serviceRequest(_ stream: HTTP2Stream, reset: HTTP2ErrorCode?) {
        if reset != nil {
            self.streams.dequeue(stream)
            self.close(stream, .cancelled, isFailure: true)
            return
        }
        guard let head = stream.takeHead() else { return }
        if let deadline = stream.deadline {
            stream.setDeadline(deadline) { stream.reset(.cancel, failure: .deadlineExceeded) }
        }
        do throws(StreamFailure) {
            guard self.phase != .draining else { throw .notProcessed("the peer takes no more calls") }
            try self.streams.enqueue(stream, head)
        } catch {
            if case .notProcessed = error, self.phase == .open {
                self.limitLog.report(.queuedCalls, peer: self.remotePeer, "more calls wait than may")
            }
            self.close(stream, error, isFailure: true)
        }
    }

    /// Lets another connection, on the same event loop, make requests that wait here for the peer to take one more.
    func handOverRequests(to other: HTTP2Connection) {
        while other.session != nil, other.phase == .open, other.room > 0, let request = self.streams.takeRequest() {
            request.stream.connection = other
            self.madeStreams.subtract(1, ordering: .relaxed)
            other.madeStreams.add(1, ordering: .relaxed)
            other.streams.requeue(request)
        }
        self.scheduler.run(for: other)
    }

    func peerIsGoingAway(_ reason: String) {
        guard self.phase == .open || self.phase == .starting else { return }
        self.phase = .draining
        self.stopTakingCalls()
        for stream in self.streams.removeRequests() {
            self.close(stream, .notProcessed(reason), isFailure: true)
        }
        self.delegate?.connection(self, isDraining: reason)
    }
}
