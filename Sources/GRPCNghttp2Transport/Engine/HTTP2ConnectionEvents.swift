import NIOCore

/// What nghttp2 reports to a connection, by way of `HTTP2Callbacks`: while bytes are received, or put together to be
/// sent. What must not be done in the middle of that is noted down, and done at the end of the tick.
extension HTTP2Connection {
    func headersBegan(id: Int32, isRequest: Bool) {
        self.headers.begin()
        self.flood.usefulFrame()
        guard isRequest, let session = self.session else { return }
        if let drain = self.drain, drain.refuses(id) {
            session.reset(id: id, .refusedStream)
            return
        }
        let stream = HTTP2Stream(connection: self)
        stream.wasSent = true
        self.streams.insert(stream, id: id)
        session.setStream(stream, id: id)
    }

    func headerReceived(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        self.headers.append(name: name, value: value)
    }

    func headersEnded(_ stream: HTTP2Stream, isRequest: Bool, endStream: Bool) {
        guard stream.refusal == nil else { return }
        if let excess = self.headers.excess {
            self.limitLog.report(excess, peer: self.remotePeer, "a call has more metadata than may come in")
        }
        let isHead = isRequest || !self.isServer && !stream.hasReceivedHead
        let fault =
            isHead || endStream
            ? self.headers.fault(of: isRequest ? .request : isHead ? .response : .trailers)
            : "a header block that follows the head does not end the call"
        if let fault {
            self.refuse(stream, fault)
            stream.isRemotelyClosed = endStream
            return
        }
        if isHead, !self.headers.rules.isInformational {
            stream.hasReceivedHead = true
            stream.dataLeft = self.headers.rules.contentLength
        }
        if isRequest {
            let headers = self.headers.excess == nil ? self.headers.block : nil
            self.delegate?.connection(self, opened: stream, headers: headers)
        } else if let failure = self.headers.failure {
            stream.reset(.cancel, failure: failure)
        } else if case .client = self.config.role {
            stream.wasAnswered = true
            stream.receive(headers: self.headers.block, endStream: endStream)
            self.wakeLater(stream)
        }
        if endStream {
            self.dataEnded(stream)
        }
    }

    /// The peer has ended the stream.
    func dataEnded(_ stream: HTTP2Stream) {
        // Whether a response is whole, its status tells.
        if self.isServer, let left = stream.dataLeft, left > 0 {
            self.refuse(stream, Self.wrongLength)
            return
        }
        stream.receiveEnd()
        self.wakeLater(stream)
    }

    private static let wrongLength = "header \"content-length\" does not tell the length of the messages"

    /// Refuses what has come on a stream, as HTTP/2 forbids it, and says so in the log and to the call.
    private func refuse(_ stream: HTTP2Stream, _ fault: String) {
        self.limitLog.reportRefusal(of: self.isServer ? "request" : "response", peer: self.remotePeer, fault)
        self.streamWasBroken()
        stream.refusal = fault
        if self.isServer, !stream.hasReceivedHead {
            // Nobody has seen the request, so the delegate can answer it with a status; the reset follows the answer.
            self.delegate?.connection(self, opened: stream, headers: nil)
        } else {
            stream.reset(.protocolError, failure: .refused(fault))
        }
    }

    /// nghttp2 refuses a frame. If that is a matter of its stream only, the stream is reset.
    func frameRefused(_ stream: HTTP2Stream?, _ error: HTTP2SessionError) {
        if let stream {
            stream.refusal = stream.refusal ?? "\(error)"
        }
        self.streamWasBroken()
    }

    func dataReceived(_ data: UnsafeRawBufferPointer, id: Int32, stream: HTTP2Stream?) {
        guard let session = self.session else { return }
        session.creditConnection(data.count)
        guard let stream, stream.refusal == nil else { return }
        if let left = stream.dataLeft {
            stream.dataLeft = left - data.count
            guard left >= data.count else {
                self.refuse(stream, Self.wrongLength)
                return
            }
        }
        guard stream.inboundBudget.heldBytes + data.count <= self.config.limits.maxBufferedBytesPerConnection else {
            self.limitLog.report(.buffered, peer: self.remotePeer, "too much that came in waits to be read")
            stream.reset(
                .enhanceYourCalm, failure: .bufferFull(limit: self.config.limits.maxBufferedBytesPerConnection))
            return
        }
        let receipt = stream.receive(data: data)
        self.wakeLater(stream)
        if receipt.credit > 0 {
            session.creditStream(id: id, receipt.credit)
        }
        if receipt.isBroken, case .client = self.config.role {
            // A server still answers such a call. A client has no use for the rest of the response.
            session.reset(id: id, .cancel)
        }
        if receipt.isMessageTooLarge {
            self.messageWasTooLarge()
        }
    }

    func messageWasTooLarge() {
        self.limitLog.report(.message, peer: self.remotePeer, "a message is larger than may come in")
    }

    /// nghttp2 explains an error, most likely of the peer, in words.
    func errorReported(_ message: String) {
        self.sessionError = message
    }

    func settingsReceived() {
        self.settingsArrived = true
    }

    func pingReceived() {
        guard self.pings?.pingReceived(now: .now(), hasCalls: !self.streams.isEmpty) ?? false else { return }
        self.calmDown(.pings, "the client pings more often than it may", debugData: "too_many_pings")
    }

    func pingAcknowledged(_ payload: InlineArray<8, UInt8>) {
        // That of a keep-alive ping is a sign of life as everything is that comes in.
        self.drain?.pingWasAcknowledged(payload)
    }

    /// A frame begins.
    func frameBegan(_ kind: FrameKind) {
        switch kind {
        case .useful:
            self.flood.usefulFrame()
        case .control:
            if self.flood.controlFrame(now: .now()) {
                self.calmDown(.controlFrames, "the peer sends more frames without use than it may")
            }
        case .reset:
            self.streamWasBroken()
        case .other:
            break
        }
    }

    /// The peer has reset a stream, or has had it reset by an error.
    func streamWasBroken() {
        if self.flood.reset(now: .now()) {
            self.calmDown(.resets, "the peer resets more calls than it may")
        }
    }

    func goAwaySent(_ code: HTTP2ErrorCode) {
        guard code != .noError else { return }
        guard code == .compressionError else {
            self.sessionError = self.sessionError ?? "the peer broke the protocol: \(code)"
            return
        }
        // libnghttp2 says the same of both. It takes no longer field, and cannot go on behind one.
        let reason =
            "this side cannot decode headers of the peer (\(code)): one is longer than 64 KiB, or they are compressed wrongly"
        self.sessionError = self.sessionError ?? reason
        self.limitLog.reportRefusal(of: "connection", peer: self.remotePeer, reason)
    }

    func goAwayReceived(_ code: HTTP2ErrorCode, debugData: String) {
        // There may be two, of which the first explains the error.
        guard self.goAway == nil else { return }
        // Before nghttp2 closes the streams that the peer does not take.
        self.stopTakingCalls()
        self.peerWantsFewerPings = code == .enhanceYourCalm && debugData == "too_many_pings"
        let detail = debugData.isEmpty ? "" : " (\(debugData))"
        self.goAway = "the peer is going away: \(code)\(detail)"
        if code != .noError {
            self.closeReason = self.goAway
        }
    }

    func frameSent(_ stream: HTTP2Stream, endStream: Bool) {
        stream.wasSent = true
        self.flood.usefulFrame()
        self.pings?.somethingWasSent()
        guard endStream else { return }
        stream.isLocallyClosed = true
        if stream.refusal == nil {
            self.flood.completedCall()
        }
        if case .server = self.config.role, !stream.isRemotelyClosed {
            // The response is complete: tell the client to stop sending (RFC 9113, section 8.1).
            self.session?.reset(id: stream.id, stream.refusal == nil ? .noError : .protocolError)
        }
    }

    func headersNotSent(id: Int32, _ error: HTTP2SessionError) {
        guard let stream = self.streams[id] else { return }
        if stream.wasSent {
            self.session?.reset(id: id, .internalError)
        } else {
            _ = self.streams.remove(id: id)
            self.close(stream, .notProcessed("\(error)"), isFailure: true)
        }
    }

    func streamClosed(id: Int32, _ code: HTTP2ErrorCode) {
        guard let stream = self.streams.remove(id: id) else { return }
        switch self.config.role {
        case .server:
            // Once the response is out, nothing that happens to the stream is a failure of the call.
            let failure = stream.refusal.map { StreamFailure.refused($0) } ?? .reset(code)
            self.close(stream, failure, isFailure: !stream.isLocallyClosed)
        case .client:
            if let refusal = stream.refusal {
                self.close(stream, .refused(refusal), isFailure: true)
            } else if code == .noError, stream.isRemotelyClosed {
                self.close(stream, .closed, isFailure: false)
            } else if code == .refusedStream, !stream.wasAnswered {
                self.close(stream, .notProcessed("the peer refused the call"), isFailure: true)
            } else {
                self.close(stream, .reset(code), isFailure: true)
            }
        }
    }
}
