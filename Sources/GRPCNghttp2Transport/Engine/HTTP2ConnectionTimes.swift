import NIOCore

/// What a connection does when time has passed, and when its peer asks too much.
extension HTTP2Connection {
    func noteCalls() {
        let areCallsOpen = !self.streams.isEmpty
        guard self.session != nil, areCallsOpen == self.care.isIdle else { return }
        self.care.callsChanged(areOpen: areCallsOpen, now: .now())
        self.scheduleCheck()
    }

    func scheduleCheck() {
        guard self.phase != .closed, let next = self.care.nextCheck else { return }
        if let timer = self.careTimer {
            guard next < timer.deadline else { return }
            timer.task.cancel()
        }
        // It refers to this connection strongly, as one weak reference would make all others slow; `closed` cancels it.
        let task = self.loop.assumeIsolated().scheduleTask(deadline: next) {
            self.careTimer = nil
            self.check()
        }
        self.careTimer = (task, next)
    }

    func check() {
        switch self.care.check(now: .now()) {
        case .none:
            break
        case .ping:
            self.session?.submitPing(KeepalivePing.payload)
            self.scheduler.run(for: self)
        case .drain(let reason):
            self.closeReason = self.closeReason ?? reason
            if !self.isServer {
                // First: from then on no more requests are made, and those that were still go out.
                self.delegate?.connection(self, isDraining: reason)
            }
            self.drainNow()
            self.scheduler.run(for: self)
        case .close(let reason, let limit):
            if let limit {
                self.limitLog.report(limit, peer: self.remotePeer, reason)
            }
            self.fail(reason)
        }
        self.scheduleCheck()
    }

    /// Ends the connection because its peer asks too much of this side. May be called within nghttp2's callbacks.
    func calmDown(_ limit: Limit, _ reason: String, debugData: StaticString = "") {
        guard !self.hasCalmedDown else { return }
        self.hasCalmedDown = true
        self.limitLog.report(limit, peer: self.remotePeer, reason)
        self.closeReason = reason
        if debugData.utf8CodeUnitCount > 0 {
            self.session?.submitGoAway(.enhanceYourCalm, debugData: debugData)
        }
        self.session?.terminate(.enhanceYourCalm)
    }
}
