import NIOCore

/// The two steps in which a server says goodbye, so that no request under way in the network is lost (RFC 9113,
/// section 6.8).
///
/// First a GOAWAY that names no last stream stops the client from opening more. A PING behind it comes back when
/// everything that the client had sent before has arrived. Only then the final GOAWAY names the last stream that was
/// taken; a stream beyond it is refused, and the client knows that it was never processed. Use it on the event loop.
///
/// | step | event | step | effect |
/// |---|---|---|---|
/// | | drain | waiting | GOAWAY without a last stream, PING, a timer |
/// | waiting | the PING is acknowledged; the timer fires | acknowledged | |
/// | acknowledged | `advance` | final | GOAWAY with the last stream |
/// | final | a later stream opens | final | it is refused |
final class ServerDrain {
    private enum Step {
        case waiting
        case acknowledged
        case final(lastStream: Int32)
    }

    /// How long to wait for the PING's acknowledgement.
    static let roundTripTimeout = TimeAmount.seconds(1)
    /// "good-bye"
    private static let ping: InlineArray<8, UInt8> = [0x67, 0x6f, 0x6f, 0x64, 0x2d, 0x62, 0x79, 0x65]

    private var step = Step.waiting
    private var timer: Scheduled<Void>?

    /// Takes the first step. `proceed` is called when the acknowledgement was waited for long enough.
    init(session: HTTP2Session, loop: any EventLoop, proceed: @escaping @Sendable () -> Void) {
        session.submitShutdownNotice()
        session.submitPing(Self.ping)
        timer = loop.assumeIsolated().scheduleTask(in: Self.roundTripTimeout) { [weak self] in
            self?.roundTripIsOver()
            proceed()
        }
    }

    func pingWasAcknowledged(_ payload: InlineArray<8, UInt8>) {
        guard payload.indices.allSatisfy({ payload[$0] == Self.ping[$0] }) else { return }
        roundTripIsOver()
    }

    private func roundTripIsOver() {
        if case .waiting = step {
            step = .acknowledged
        }
    }

    /// Takes the second step if it is due. Call it outside of nghttp2's callbacks only: a request in the bytes
    /// being read would otherwise be taken although the GOAWAY does not count it.
    func advance(_ session: HTTP2Session) {
        guard case .acknowledged = step else { return }
        cancel()
        step = .final(lastStream: session.submitGoAway())
    }

    /// Whether a stream came too late.
    func refuses(_ id: Int32) -> Bool {
        if case .final(let lastStream) = step { id > lastStream } else { false }
    }

    func cancel() {
        timer?.cancel()
        timer = nil
    }
}
