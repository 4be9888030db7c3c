import NIOCore
import Synchronization

/// What the event loop sends: what streams ask for, and the end.
extension HTTP2Connection {
    /// How long a finished connection waits for its client to close first. Closing with unread bytes makes the kernel
    /// reset the connection, which can destroy responses that the client has not read yet.
    private static let lingerTime = TimeAmount.seconds(1)

    /// Does what a stream asks for. Called by the scheduler, which then calls `sendPending`.
    func service(_ stream: HTTP2Stream) {
        guard !stream.isClosed else { return }
        guard let session = self.session, self.phase != .lingering else {
            self.close(stream, self.failure(of: stream), isFailure: true)
            return
        }
        let reset = stream.takeReset()
        if stream.id == 0 {
            self.serviceRequest(stream, reset: reset)
        } else if let reset {
            session.reset(id: stream.id, reset)
        } else {
            if let head = stream.takeHead() {
                session.submitResponse(head, stream: stream)
            } else {
                session.resumeData(id: stream.id)
            }
            let credit = stream.takeCredit()
            if credit > 0 {
                session.creditStream(id: stream.id, credit)
            }
        }
    }

    /// Sends what there is to be sent, and closes the connection if that was all.
    func sendPending() {
        if let drain = self.drain, let session = self.session {
            drain.advance(session)
        }
        while let session = self.session {
            for (stream, failure) in self.streams.submitRequests(to: session) {
                self.close(stream, failure, isFailure: true)
            }
            if !self.isServer, !session.hasStreamNumbers {
                self.peerIsGoingAway("the connection has used up its stream numbers")
            }
            self.flush()
            // A reset that was sent may have made room for a request that waits.
            if !self.streams.canSubmitRequest(to: session) { break }
        }
        if self.streams.hasRequests {
            self.delegate?.connectionHasWaitingRequests(self)
        }
        self.noteCalls()
        self.closeIfDone()
    }

    func flush() {
        guard let context = self.context, let session = self.session, !self.isFlushing else { return }
        self.isFlushing = true
        defer { self.isFlushing = false }
        do {
            // A write that fails closes the connection, and with it the session, at once.
            while self.session != nil, let bytes = try self.scheduler.writer.next(from: session, to: context.channel) {
                context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
            }
        } catch {
            self.fail("\(error)")
        }
        if self.session != nil, !context.channel.isWritable {
            self.care.writingStalled(now: .now())
            self.scheduleCheck()
        }
    }

    private func closeIfDone() {
        guard let session = self.session, self.phase != .lingering else { return }
        if !self.isServer, self.isDrainRequested, self.madeStreams.load(ordering: .relaxed) == 0 {
            session.terminate(.noError)
            self.flush()
        }
        guard session.isFinished else { return }
        let isOrderly = self.isDrainRequested || self.phase == .draining
        let error = isOrderly ? nil : self.sessionError.map { "HTTP/2: \($0)" }
        self.closeReason = self.closeReason ?? error ?? "the connection was shut down"
        self.finish()
    }

    /// Closes after all was said.
    private func finish() {
        guard let context = self.context, self.phase != .lingering else { return }
        if self.isServer {
            self.phase = .lingering
            // There are some only if an error ended the connection.
            self.failStreams()
            context.close(mode: .output, promise: nil)
            self.loop.scheduleTask(in: Self.lingerTime) { self.giveUp() }
        } else {
            self.giveUp()
        }
    }
}
