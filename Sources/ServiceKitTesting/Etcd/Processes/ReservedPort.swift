/// A port of 127.0.0.1 that is free for one program, and for nobody else while this exists.
///
/// A socket stays bound to the port without listening. Then Linux gives the port to no program that asks for any port,
/// and no connection starts from it: a client that tries again and again to reach a program that has ended cannot reach
/// itself (simultaneous open, RFC 9293 section 3.5). A program that sets `SO_REUSEADDR`, as programs in Go do, may
/// listen on the port nevertheless.
struct ReservedPort: Sendable {
    /// The port's number.
    let number: UInt16
    private let socket: LoopbackSocket

    /// Reserves a port.
    init() throws {
        socket = try LoopbackSocket()
        number = try socket.bindToFreePort()
    }
}
