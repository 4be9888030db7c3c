import NIOCore
import Synchronization

/// The sending side of a connection: the work of streams, and the end.
extension HTTP2Connection {
    /// How long a finished connection waits for its client to close first. Closing with unread bytes makes the kernel
    /// reset the connection, which can destroy responses that the client has not read yet.
    private static let lingerTime = TimeAmount.seconds(1)

    /// Does the work that a stream has left. Called by the scheduler, which then calls `sendPending`.
    func service(_ stream: HTTP2Stream) {
        guard !stream.isClosed else { return }
        guard let session, phase != .lingering else {
            close(stream, failure(of: stream), isFailure: true)
            return
        }
        let reset = stream.takeReset()
        if stream.id == 0 {
            serviceRequest(stream, reset: reset)
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

    /// Sends all that waits, and closes the connection if that was the last.
    func sendPending() {
        if let drain, let session {
            drain.advance(session)
        }
        while let session {
            for (stream, failure) in streams.submitRequests(to: session) {
                close(stream, failure, isFailure: true)
            }
            if !isServer, !session.hasStreamNumbers {
                peerIsGoingAway("the connection has used up its stream numbers")
            }
            flush()
            // A reset that was sent may have made room for a request that waits.
            if !streams.canSubmitRequest(to: session) { break }
        }
        if streams.hasRequests {
            delegate?.connectionHasWaitingRequests(self)
        }
        noteCalls()
        closeIfDone()
    }

    func flush() {
        guard let context, let session, !isFlushing else { return }
        isFlushing = true
        defer { isFlushing = false }
        do {
            // A write that fails closes the connection, and with it the session, at once.
            while self.session != nil, let bytes = try scheduler.writer.next(from: session, to: context.channel) {
                context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
            }
        } catch {
            fail("\(error)")
        }
        if self.session != nil, !context.channel.isWritable {
            watchdog.writingStalled(now: .now())
            scheduleCheck()
        }
    }

    private func closeIfDone() {
        guard let session, phase != .lingering else { return }
        if !isServer, isDrainRequested, madeStreams.load(ordering: .relaxed) == 0 {
            session.terminate(.noError)
            flush()
        }
        guard session.isFinished else { return }
        let isOrderly = isDrainRequested || phase == .draining
        let error = isOrderly ? nil : ending.sessionError.map { "HTTP/2: \($0)" }
        ending.note(error ?? "the connection was shut down")
        finish()
    }

    /// Closes after all was said.
    private func finish() {
        guard let context, phase != .lingering else { return }
        if isServer {
            phase = .lingering
            // There are some only if an error ended the connection.
            failStreams()
            context.close(mode: .output, promise: nil)
            loop.scheduleTask(in: Self.lingerTime) { self.giveUp() }
        } else {
            giveUp()
        }
    }
}
