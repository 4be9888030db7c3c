/// What nghttp2 reports to a connection, by way of `HTTP2Callbacks`: while bytes are received, or put together to be
/// sent. What must not be done in the middle of that is noted down, and done at the end of the tick.
extension HTTP2Connection {
    func headersBegan(id: Int32, isRequest: Bool) {
        self.headers.begin()
        guard isRequest, let session = self.session else { return }
        if let drain = self.drain, drain.refuses(id) {
            session.reset(id: id, .refusedStream)
            return
        }
        let stream = HTTP2Stream(connection: self, limits: self.limits)
        stream.wasSent = true
        self.streams.insert(stream, id: id)
        session.setStream(stream, id: id)
    }

    func headerReceived(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        self.headers.append(name: name, value: value)
    }

    func headersEnded(_ stream: HTTP2Stream, isRequest: Bool, endStream: Bool) {
        if isRequest {
            let headers = self.headers.isTooLarge ? nil : self.headers.block
            self.delegate?.connection(self, opened: stream, headers: headers)
        } else if self.headers.isTooLarge {
            let failure = StreamFailure.inboundHeadersTooLarge(bytes: self.headers.size, limit: self.headers.limit)
            stream.reset(.cancel, failure: failure)
        } else if case .client = self.role {
            stream.wasAnswered = true
            stream.receive(headers: self.headers.block, endStream: endStream)
        }
        if endStream {
            stream.receiveEnd()
        }
    }

    func dataReceived(_ data: UnsafeRawBufferPointer, id: Int32, stream: HTTP2Stream?) {
        guard let session = self.session else { return }
        session.creditConnection(data.count)
        guard let stream else { return }
        let credit = stream.receive(data: data)
        if credit > 0 {
            session.creditStream(id: id, credit)
        }
    }

    /// nghttp2 explains an error, most likely of the peer, in words.
    func errorReported(_ message: String) {
        self.sessionError = message
    }

    func settingsReceived() {
        self.settingsArrived = true
    }

    func pingAcknowledged() {
        // The only PING that this side sends is the one of a draining server.
        self.drain?.pingWasAcknowledged()
    }

    func goAwayReceived(_ code: HTTP2ErrorCode, debugData: String) {
        let detail = debugData.isEmpty ? "" : " (\(debugData))"
        self.goAway = "the peer is going away: \(code)\(detail)"
        if code != .noError {
            self.closeReason = self.goAway
        }
    }

    func frameSent(_ stream: HTTP2Stream, endStream: Bool) {
        stream.wasSent = true
        guard endStream else { return }
        stream.isLocallyClosed = true
        if case .server = self.role, !stream.isRemotelyClosed {
            // The response is complete: tell the client to stop sending (RFC 9113, section 8.1).
            self.session?.reset(id: stream.id, .noError)
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
        switch self.role {
        case .server:
            // Once the response is out, nothing that happens to the stream is a failure of the call.
            self.close(stream, .reset(code), isFailure: !stream.isLocallyClosed)
        case .client:
            if code == .noError, stream.isRemotelyClosed {
                self.close(stream, .closed, isFailure: false)
            } else if code == .refusedStream, !stream.wasAnswered {
                self.close(stream, .notProcessed("the peer refused the call"), isFailure: true)
            } else {
                self.close(stream, .reset(code), isFailure: true)
            }
        }
    }
}
