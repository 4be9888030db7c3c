/// Hashes that are the same in every process, so that all clients map a key to the same node.
package enum KeyHash {
    /// The hash of a text: FNV-1a (Fowler, Noll and Vo, 1991), mixed so that each bit depends on each byte.
    static func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return mix(hash)
    }

    /// The n-th number that is made of a hash.
    package static func number(_ n: Int, of hash: UInt64) -> UInt64 {
        mix(hash &+ UInt64(truncatingIfNeeded: n) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// The function of ``SplitMix64``, which mixes the bits of a number.
    package static func mix(_ number: UInt64) -> UInt64 {
        var z = number
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
