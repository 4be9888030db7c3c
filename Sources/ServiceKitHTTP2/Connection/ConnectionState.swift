import NIOSSL

// The values that an `HTTP2Connection` is made of, each with one subject. All are confined to the event loop.

/// The two ends of a connection, in gRPC's notation.
struct ConnectionEnds {
    var remote = "unknown"
    var local = "unknown"
    /// The peer's certificate, verified; `nil` without mutual TLS.
    var certificate: NIOSSLCertificate?
}

/// The bytes that arrive in one turn of the event loop.
///
/// Readers are resumed when all bytes of the turn are through: mostly the whole response is there then, and its reader
/// need not wait again.
struct ReadTurn {
    /// Whether a turn has begun and has not ended.
    private(set) var isUnderWay = false
    /// Whether the peer has sent HTTP/2 at all.
    var hasRead = false
    private var readable: [HTTP2Stream] = []

    /// - Returns: Whether the turn begins now.
    mutating func begin() -> Bool {
        defer { isUnderWay = true }
        return !isUnderWay
    }

    /// Resumes the reader of a stream at the end of the turn.
    mutating func wakeLater(_ stream: HTTP2Stream) {
        guard !stream.isToBeWoken else { return }
        stream.isToBeWoken = true
        readable.append(stream)
    }

    /// Resumes the readers.
    ///
    /// - Returns: Whether there was a turn to end.
    mutating func end() -> Bool {
        guard isUnderWay else { return false }
        isUnderWay = false
        for stream in readable {
            stream.isToBeWoken = false
            stream.wakeReader()
        }
        readable.removeAll(keepingCapacity: true)
        return true
    }
}

/// Frames of the peer that the connection acts on at the end of the turn: nghttp2's callbacks must not.
struct PeerNotices {
    /// Whether the peer's settings have arrived.
    var hasSettings = false
    /// The peer's GOAWAY.
    var goAway: String?
    /// Whether the peer has said that it was pinged too often. It stays set.
    var wantsFewerPings = false

    mutating func takeSettings() -> Bool {
        defer { hasSettings = false }
        return hasSettings
    }

    mutating func takeGoAway() -> String? {
        defer { goAway = nil }
        return goAway
    }
}

/// The reasons for which a connection ends. The first of each kind counts.
struct ConnectionEnding {
    /// The reason for which the connection is, or will be, closed.
    private(set) var reason: String?
    /// The error that nghttp2 explained last.
    var sessionError: String?
    /// The failure of open streams, if this side closes the connection on purpose.
    var failure: StreamFailure?

    mutating func note(_ reason: String) {
        self.reason = self.reason ?? reason
    }

    /// Notes a reason that counts more than an earlier one.
    mutating func replace(_ reason: String) {
        self.reason = reason
    }

    mutating func noteError(_ error: String) {
        sessionError = sessionError ?? error
    }
}

/// The bounds on the frames of a peer.
struct PeerGuards {
    var flood: FloodGuard
    var unknownFrames: UnknownFrames
    var pings: PingPolicy?
    /// Whether one of the bounds has ended the connection.
    var haveBitten = false
}
