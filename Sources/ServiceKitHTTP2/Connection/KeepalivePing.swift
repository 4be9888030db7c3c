/// The PING that asks a peer for a sign of life.
enum KeepalivePing {
    /// "is alive"
    static let payload: InlineArray<8, UInt8> = [0x69, 0x73, 0x20, 0x61, 0x6c, 0x69, 0x76, 0x65]
}
