import NIOCore

/// The times of a connection, and its answer to a peer that asks too much.
extension HTTP2Connection {
    func noteCalls() {
        let areCallsOpen = !streams.isEmpty
        guard session != nil, areCallsOpen == watchdog.isIdle else { return }
        watchdog.callsChanged(areOpen: areCallsOpen, now: .now())
        scheduleCheck()
    }

    func scheduleCheck() {
        guard phase != .closed, let next = watchdog.nextCheck else { return }
        if let timer = watchdogTimer {
            guard next < timer.deadline else { return }
            timer.task.cancel()
        }
        // It refers to this connection strongly, as one weak reference would make all others slow; `closed` cancels it.
        let task = loop.assumeIsolated().scheduleTask(deadline: next) {
            self.watchdogTimer = nil
            self.check()
        }
        watchdogTimer = (task, next)
    }

    func check() {
        switch watchdog.check(now: .now()) {
        case .none:
            break
        case .ping:
            session?.submitPing(KeepalivePing.payload)
            scheduler.run(for: self)
        case .drain(let reason):
            ending.note(reason)
            if !isServer {
                // First: from then on no more requests are made, and earlier ones still go out.
                delegate?.connection(self, isDraining: reason)
            }
            drainNow()
            scheduler.run(for: self)
        case .close(let reason, let limit):
            if let limit {
                limitLog.report(limit, peer: ends.remote, reason)
            }
            fail(reason)
        }
        scheduleCheck()
    }

    /// Ends the connection because its peer asks too much of this side. May be called within nghttp2's callbacks.
    func calmDown(_ limit: Limit, _ reason: String, debugData: StaticString = "") {
        guard !guards.haveBitten else { return }
        guards.haveBitten = true
        limitLog.report(limit, peer: ends.remote, reason)
        ending.replace(reason)
        if debugData.utf8CodeUnitCount > 0 {
            session?.submitGoAway(.enhanceYourCalm, debugData: debugData)
        }
        session?.terminate(.enhanceYourCalm)
    }
}
