/// A port of 127.0.0.1 that is reserved for one program as long as this value exists.
///
/// A socket stays bound to the port without listening. Linux then gives the port to no program that asks for any port,
/// and starts no connection from it. Otherwise a client that keeps trying to reach an ended program could connect to
/// itself (simultaneous open, RFC 9293 section 3.5). A program that sets `SO_REUSEADDR`, as Go's programs do, can still
/// listen on the port.
struct ReservedPort: Sendable {
    let number: UInt16
    private let socket: LoopbackSocket

    init() throws {
        socket = try LoopbackSocket()
        number = try socket.bindToFreePort()
    }
}
