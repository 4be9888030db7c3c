import NIOCore

/// The events that nghttp2 reports to a connection, by way of `HTTP2Callbacks`, while it takes bytes in or puts bytes
/// together. Work that must not be done within a callback is noted, and done at the end of the turn.
extension HTTP2Connection {
    func headersBegan(id: Int32, isRequest: Bool) {
        headers.begin()
        guards.flood.usefulFrame()
        guard isRequest, let session else { return }
        if let drain, drain.refuses(id) {
            session.reset(id: id, .refusedStream)
            return
        }
        let stream = HTTP2Stream(connection: self)
        stream.wasSent = true
        streams.insert(stream, id: id)
        session.setStream(stream, id: id)
    }

    func headerReceived(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        headers.append(name: name, value: value)
    }

    func headersEnded(_ stream: HTTP2Stream, isRequest: Bool, endStream: Bool) {
        guard stream.refusal == nil else { return }
        if let excess = self.headers.excess {
            self.limitLog.report(excess, peer: ends.remote, "a call has more metadata than may come in")
        }
        let isHead = isRequest || !isServer && !stream.hasReceivedHead
        let fault =
            isHead || endStream
            ? self.headers.fault(of: isRequest ? .request : isHead ? .response : .trailers)
            : "a header block that follows the head does not end the call"
        if let fault {
            refuse(stream, fault)
            stream.isRemotelyClosed = endStream
            return
        }
        if isHead, !self.headers.rules.isInformational {
            stream.hasReceivedHead = true
            stream.dataLeft = self.headers.rules.contentLength
        }
        if isRequest {
            let headers = self.headers.excess == nil ? self.headers.block : nil
            if headers == nil { stream.refusedType = self.headers.contentType }
            delegate?.connection(self, opened: stream, headers: headers)
        } else if let failure = self.headers.failure {
            stream.reset(.cancel, failure: failure)
        } else if case .client = config.role {
            stream.wasAnswered = true
            stream.receive(headers: self.headers.block, endStream: endStream)
            turn.wakeLater(stream)
        }
        if endStream {
            dataEnded(stream)
        }
    }

    /// The peer has ended the stream.
    func dataEnded(_ stream: HTTP2Stream) {
        if stream.earlyResponse != nil {
            stream.isRemotelyClosed = true
            return
        }
        // Whether a response is whole, its status tells.
        if isServer, let left = stream.dataLeft, left > 0 {
            refuse(stream, Self.wrongLength)
            return
        }
        stream.receiveEnd()
        turn.wakeLater(stream)
    }

    private static let wrongLength = "header \"content-length\" does not tell the length of the messages"

    /// Refuses a stream's head or body that HTTP/2 forbids: writes it to the log and fails the stream.
    private func refuse(_ stream: HTTP2Stream, _ fault: String) {
        limitLog.reportRefusal(of: isServer ? "request" : "response", peer: ends.remote, fault)
        streamWasBroken()
        stream.refusal = fault
        if isServer, !stream.hasReceivedHead {
            stream.refusedType = headers.contentType
            // The delegate has not seen the request, and can answer it with a status; the reset follows the answer.
            delegate?.connection(self, opened: stream, headers: nil)
        } else {
            stream.reset(.protocolError, failure: .refused(fault))
        }
    }

    /// Bytes of bodies leave the window of the connection as they come: each stream bounds its own.
    func credit(_ data: UnsafeRawBufferPointer) {
        session?.creditConnection(data.count)
    }

    func dataReceived(_ data: UnsafeRawBufferPointer, id: Int32, stream: HTTP2Stream) {
        guard let session, stream.refusal == nil, stream.earlyResponse == nil else { return }
        if let left = stream.dataLeft {
            stream.dataLeft = left - data.count
            guard left >= data.count else {
                refuse(stream, Self.wrongLength)
                return
            }
        }
        guard stream.inboundBudget.heldBytes + data.count <= config.limits.maxBufferedBytesPerConnection else {
            self.limitLog.report(.buffered, peer: ends.remote, "too much that came in waits to be read")
            stream.reset(
                .enhanceYourCalm, failure: .bufferFull(limit: config.limits.maxBufferedBytesPerConnection))
            return
        }
        let receipt = stream.receive(data: data)
        turn.wakeLater(stream)
        if receipt.credit > 0 {
            session.creditStream(id: id, receipt.credit)
        }
        if receipt.isBroken, case .client = config.role {
            // A server still answers such a call. A client has no use for the rest of the response.
            session.reset(id: id, .cancel)
        }
        if let limit = receipt.exceeded {
            bodyWasTooLarge(limit)
        }
    }

    func bodyWasTooLarge(_ limit: Limit) {
        limitLog.report(limit, peer: ends.remote, "the peer sends a larger body, or message, than it may")
    }

    /// nghttp2 explains an error, most likely of the peer, in words.
    func errorReported(_ message: String) {
        ending.sessionError = message
    }

    func settingsReceived() {
        notices.hasSettings = true
    }

    func pingReceived() {
        guard guards.pings?.pingReceived(now: .now(), hasCalls: !streams.isEmpty) ?? false else { return }
        calmDown(.pings, "the client pings more often than it may", debugData: "too_many_pings")
    }

    func pingAcknowledged(_ payload: InlineArray<8, UInt8>) {
        // That of a keep-alive ping is a sign of life as everything is that comes in.
        drain?.pingWasAcknowledged(payload)
    }

    /// A frame begins.
    func frameBegan(_ kind: FrameKind) {
        switch kind {
        case .useful:
            guards.flood.usefulFrame()
        case .control:
            if guards.flood.controlFrame(now: .now()) {
                calmDown(.controlFrames, "the peer sends more frames without use than it may")
            }
        case .reset:
            streamWasBroken()
        case .other:
            break
        }
    }

    /// The peer has reset a stream, or has had it reset by an error.
    func streamWasBroken() {
        if guards.flood.reset(now: .now()) {
            calmDown(.resets, "the peer resets more calls than it may")
        }
    }

    func goAwaySent(_ code: HTTP2ErrorCode) {
        guard code != .noError else { return }
        guard code == .compressionError else {
            ending.noteError("the peer broke the protocol: \(code)")
            return
        }
        // libnghttp2 says the same of both. It takes no longer field, and cannot go on behind one.
        let reason =
            "this side cannot decode headers of the peer (\(code)): one is longer than 64 KiB, or they are compressed wrongly"
        ending.noteError(reason)
        limitLog.reportRefusal(of: "connection", peer: ends.remote, reason)
    }

    func goAwayReceived(_ code: HTTP2ErrorCode, debugData: String) {
        // There may be two, of which the first explains the error.
        guard notices.goAway == nil else { return }
        // Before nghttp2 closes the streams that the peer does not take.
        stopTakingCalls()
        notices.wantsFewerPings = code == .enhanceYourCalm && debugData == "too_many_pings"
        let detail = debugData.isEmpty ? "" : " (\(debugData))"
        let reason = "the peer is going away: \(code)\(detail)"
        notices.goAway = reason
        if code != .noError { ending.replace(reason) }
    }

    /// Answers a request whose head has come; its body is dropped. The response leaves at the end of the turn.
    func respondEarly(on stream: HTTP2Stream, _ fields: PreparedFields) {
        stream.earlyResponse = fields
        session?.submitResponse(fields, id: stream.id)
    }

    func frameSent(_ stream: HTTP2Stream, endStream: Bool) {
        stream.wasSent = true
        guards.flood.usefulFrame()
        guards.pings?.somethingWasSent()
        guard endStream else { return }
        stream.isLocallyClosed = true
        if stream.refusal == nil {
            guards.flood.completedCall()
        }
        if case .server = config.role, !stream.isRemotelyClosed {
            // The response is complete: tell the client to stop sending (RFC 9113, section 8.1).
            session?.reset(id: stream.id, stream.refusal == nil ? .noError : .protocolError)
        }
    }

    func headersNotSent(id: Int32, _ error: HTTP2SessionError) {
        guard let stream = streams[id] else { return }
        if stream.wasSent {
            session?.reset(id: id, .internalError)
        } else {
            _ = streams.remove(id: id)
            close(stream, .notProcessed("\(error)"), isFailure: true)
        }
    }

    func streamClosed(id: Int32, _ code: HTTP2ErrorCode) {
        guard let stream = streams.remove(id: id) else { return }
        if stream.earlyResponse != nil {
            // Nobody reads or writes it.
            stream.isClosed = true
            return
        }
        switch config.role {
        case .server:
            // Once the response is out, nothing that happens to the stream is a failure of the call.
            let failure = stream.refusal.map { StreamFailure.refused($0) } ?? .reset(code)
            close(stream, failure, isFailure: !stream.isLocallyClosed)
        case .client:
            if let refusal = stream.refusal {
                close(stream, .refused(refusal), isFailure: true)
            } else if code == .noError, stream.isRemotelyClosed {
                close(stream, .closed, isFailure: false)
            } else if code == .refusedStream, !stream.wasAnswered {
                close(stream, .peerRefused, isFailure: true)
            } else {
                close(stream, .reset(code), isFailure: true)
            }
        }
    }
}
