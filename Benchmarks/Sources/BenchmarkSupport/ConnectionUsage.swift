import Glibc

/// The kernel's counters of the TCP connections of this process. Linux only.
public enum ConnectionUsage {
    /// The place of `tcpi_bytes_received` in `struct tcp_info` of `linux/tcp.h`. That layout grows only at its end; the
    /// C library's header has only its beginning.
    private static let receivedOffset = 128

    /// The number of descriptors to look at: the processes of a benchmark have few.
    private static let maxDescriptors: CInt = 1024

    /// The bytes received from a port on this machine, on the connections that are open now: TCP's payload, without
    /// headers and retransmissions.
    public static func bytesReceived(fromPort port: Int) -> Int {
        (0..<Self.maxDescriptors).reduce(0) { sum, descriptor in
            Self.peerPort(of: descriptor) == port ? sum + Self.bytesReceived(on: descriptor) : sum
        }
    }

    /// `nil` for a descriptor that is not a connection over IPv4.
    private static func peerPort(of descriptor: CInt) -> Int? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
        }
        guard result == 0, address.sin_family == sa_family_t(AF_INET) else { return nil }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func bytesReceived(on descriptor: CInt) -> Int {
        var info = [UInt8](repeating: 0, count: 512)
        var length = socklen_t(info.count)
        guard
            getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, &info, &length) == 0,
            Int(length) >= Self.receivedOffset + MemoryLayout<UInt64>.size
        else { return 0 }
        return info.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: Self.receivedOffset, as: UInt64.self)) }
    }
}
