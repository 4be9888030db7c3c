/// A port of 127.0.0.1 that is free for one program, and for nobody else while this exists.
///
/// On Linux a socket stays bound to it without listening. The kernel then gives the port to nobody who asks for any,
/// and no connection starts from it: a client that tries again and again to reach a program that has ended cannot reach
/// itself (simultaneous open, RFC 9293 section 3.5). Who sets `SO_REUSEADDR`, as programs in Go do, may listen on it
/// nevertheless. Other kernels would refuse that; there the port is only likely to stay free.
struct ReservedPort: Sendable {
    /// Its number.
    let number: UInt16
    private let socket: LoopbackSocket?

    /// Reserves one.
    init() throws {
        let socket = try LoopbackSocket()
        number = try socket.bindToFreePort()
        #if os(Linux)
        self.socket = socket
        #else
        self.socket = nil
        #endif
    }
}
